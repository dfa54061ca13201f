#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/shared_cell.hpp>

#include "model/instance.hpp"
#include "model/instance_override.hpp"
#include "model/service_metadata.hpp"

namespace pharos::naming {

/// What a reader asks of a service's hosts.
struct Selection {
    std::string_view clusters = {};  ///< comma-separated, no trimming; "" = all
    bool healthy_only = false;
    bool enabled_only = true;  ///< what clients get; views of operators see the disabled ones too
};

/// What it gets.
struct SelectedHosts {
    std::shared_ptr<const std::string> json;  ///< the hosts' JSON texts, comma-separated
    bool reach_protection_threshold = false;  ///< so few are healthy that all are shown as healthy
};

/// How much memory small texts may take, all together. Any thread.
class TextBudget {
public:
    explicit TextBudget(std::size_t bytes) noexcept : left_(static_cast<std::int64_t>(bytes)) {}

    /// False: there is not so much left.
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        const auto wanted = static_cast<std::int64_t>(bytes);
        if (left_.fetch_sub(wanted, std::memory_order_relaxed) >= wanted) {
            return true;
        }
        give(bytes);
        return false;
    }
    void give(std::size_t bytes) noexcept {
        left_.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
    }

private:
    std::atomic<std::int64_t> left_;
};

using TextBudgetPtr = std::shared_ptr<TextBudget>;

/// All hosts of a service at one moment, and what operators have set for it. Immutable but for a cache: the text of
/// its `hosts`, made at first use, shared by every reply and push of every protocol generation, and dropped when
/// nobody has used it for a while. When the budget for small texts is used up, a small one is only shared by those who
/// use it at the same time: making it again is cheap, and there may be very many small services.
class ServiceSnapshot {
public:
    ServiceSnapshot(std::vector<HostPtr> hosts, std::int64_t last_ref_time, ServiceMetadataPtr metadata = nullptr,
                    OverridesPtr overrides = nullptr, TextBudgetPtr budget = nullptr)
        : hosts_(std::move(hosts)),
          last_ref_time_(last_ref_time),
          metadata_(std::move(metadata)),
          overrides_(std::move(overrides)),
          budget_(std::move(budget)) {}
    ~ServiceSnapshot() { give_back(); }
    ServiceSnapshot(const ServiceSnapshot&) = delete;
    ServiceSnapshot& operator=(const ServiceSnapshot&) = delete;

    /// All of them, also unhealthy and disabled ones, with overrides merged in.
    [[nodiscard]] const std::vector<HostPtr>& hosts() const noexcept { return hosts_; }
    [[nodiscard]] std::int64_t last_ref_time() const noexcept { return last_ref_time_; }
    /// Null when the service was never made or changed through an API.
    [[nodiscard]] const ServiceMetadataPtr& metadata() const noexcept { return metadata_; }
    /// Null when there is none.
    [[nodiscard]] const OverridesPtr& overrides() const noexcept { return overrides_; }
    /// The override of the instance, or null.
    [[nodiscard]] const InstanceOverride* find_override(std::string_view ip, std::uint16_t port,
                                                        std::string_view cluster) const;

    /// Selects as `protocol/naming.md §1.6` says. All clusters, enabled, whatever their health, is the case that costs
    /// nothing but a reference.
    [[nodiscard]] SelectedHosts select(const Selection& selection) const;

    /// Drops the cached text unless it was used since the last call.
    void drop_unused_text() const noexcept;

private:
    struct Encoded {
        std::string json;
        bool reach_protection_threshold = false;
    };
    [[nodiscard]] Encoded encode(const Selection& selection) const;
    [[nodiscard]] std::shared_ptr<const Encoded> shared_text() const;
    [[nodiscard]] std::shared_ptr<const Encoded> make_shared_text() const;
    void give_back() const noexcept;

    const std::vector<HostPtr> hosts_;
    const std::int64_t last_ref_time_;
    const ServiceMetadataPtr metadata_;
    const OverridesPtr overrides_;
    const TextBudgetPtr budget_;  ///< null = no limit
    mutable sdk::SharedCell<const Encoded> kept_text_;
    mutable std::atomic<bool> used_{false};
    mutable std::mutex making_;                       ///< guards making a text, and the two below
    mutable std::weak_ptr<const Encoded> used_text_;  ///< one that is not kept
    mutable std::size_t taken_ = 0;                   ///< of the budget
};

using SnapshotPtr = std::shared_ptr<const ServiceSnapshot>;

/// The text of a ServiceInfo before and after its hosts (`protocol/naming.md §2.1`). `name` is plain in gRPC and
/// grouped in HTTP; `clusters` is what the client asked for, unchanged; `cache_ms` comes from the switches.
void append_info_head(std::string& out, std::string_view name, std::string_view group, std::string_view clusters,
                      std::int64_t cache_ms);
void append_info_tail(std::string& out, std::int64_t last_ref_time, bool reach_protection_threshold);

}  // namespace pharos::naming
