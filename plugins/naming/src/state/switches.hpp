#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/sdk/json_writer.hpp>
#include <pharos/sdk/shared_cell.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/store.hpp>

namespace pharos::naming {

/// Times of active checks.
struct HealthParams {
    std::int32_t max = 5000;
    std::int32_t min = 1000;
    double factor = 0.75;

    bool operator==(const HealthParams&) const = default;
};

/// The switches that operators turn at run time (`protocol/naming.md §7.4`). Immutable once shown. Only the first ones
/// have an effect here; the others are kept and shown because operators' tools read and write them.
struct SwitchDomain {
    std::int64_t client_beat_interval = 5000;
    bool light_beat_enabled = true;
    std::int64_t default_push_cache_millis = 10000;
    bool health_check_enabled = true;
    bool push_enabled = true;
    bool default_instance_ephemeral = true;
    std::string overridden_server_status;  ///< "" = none
    std::map<std::string, std::int32_t> limited_url_map;
    std::string push_version_java = "0.1.0";
    std::string push_version_go = "0.1.0";
    std::string push_version_c = "1.0.12";
    std::string push_version_python = "0.4.3";
    std::string push_version_csharp = "0.9.0";
    HealthParams http_health_params{5000, 500, 0.85};
    HealthParams tcp_health_params{5000, 1000, 0.75};
    HealthParams mysql_health_params{3000, 2000, 0.65};
    std::int32_t check_times = 3;

    std::vector<std::string> masters;
    std::int64_t default_cache_millis = 3000;
    double distro_threshold = 0.7;
    bool distro_enabled = true;
    bool auto_change_health_check_enabled = true;
    std::int64_t server_status_synchronization_period_millis = 2000;
    std::int64_t service_status_synchronization_period_millis = 5000;
    bool disable_add_ip = false;
    bool send_beat_only = false;
    std::int64_t distro_server_expired_millis = 10000;

    bool operator==(const SwitchDomain&) const = default;
};

/// The object as `GET operator/switches` shows it, which also is how it is stored.
void append_json(sdk::JsonWriter& json, const SwitchDomain& domain);
/// Members that are missing or of another kind keep their defaults. Nothing when the text is no JSON object.
[[nodiscard]] std::optional<SwitchDomain> parse_switches(std::string_view json);
/// Turns one switch. An unknown entry changes nothing. Error: kInvalidArgument with the protocol's text.
[[nodiscard]] spi::Status apply_switch(SwitchDomain& domain, std::string_view entry, std::string_view value);

/// The node's switches. Any thread; reading takes no lock where it is read often.
class Switches {
public:
    [[nodiscard]] std::shared_ptr<const SwitchDomain> current() const noexcept { return current_.load(); }
    [[nodiscard]] std::int64_t cache_millis() const noexcept { return cache_millis_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool push_enabled() const noexcept { return push_enabled_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool health_check_enabled() const noexcept {
        return health_check_enabled_.load(std::memory_order_relaxed);
    }

    /// Loads what is stored and follows it. Without a store every change is of this run only. Error: it can't be read.
    spi::Status start(spi::Store* store);
    /// No change begins, waits for those that have begun.
    void stop(spi::Duration patience) noexcept;
    /// Called after each change, on the thread that made it. Before start().
    void on_change(spi::UniqueFunction<void()> listener) { listeners_.push_back(std::move(listener)); }

    /// Turns one switch: durably, or, `debug`, on this node until it is changed again or restarted. Errors:
    /// kInvalidArgument with the protocol's text, and those of the Store.
    void set(std::string entry, std::string value, bool debug, spi::Completion<bool> done);

private:
    struct Attempt;

    void show(SwitchDomain domain, spi::Revision revision);
    void try_set(std::shared_ptr<Attempt> attempt);

    sdk::SharedCell<const SwitchDomain> current_{std::make_shared<const SwitchDomain>()};
    std::atomic<std::int64_t> cache_millis_{SwitchDomain{}.default_push_cache_millis};
    std::atomic<bool> push_enabled_{true};
    std::atomic<bool> health_check_enabled_{true};
    std::vector<spi::UniqueFunction<void()>> listeners_;
    spi::Store* store_ = nullptr;
    std::mutex mutex_;  ///< guards what follows, and that they change together
    spi::Revision revision_ = 0;
    spi::Registration watch_;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
