#pragma once

#include <atomic>
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

/// All hosts of a service at one moment, and what operators have set for it. Immutable but for a cache: the text of
/// its `hosts`, made at first use, shared by every reply and push of every protocol generation, and dropped when
/// nobody has used it for a while. A small text is only shared by those who use it at the same time: making it again is
/// cheaper than keeping it, for there are many small services.
class ServiceSnapshot {
public:
    ServiceSnapshot(std::vector<HostPtr> hosts, std::int64_t last_ref_time, ServiceMetadataPtr metadata = nullptr,
                    OverridesPtr overrides = nullptr)
        : hosts_(std::move(hosts)),
          last_ref_time_(last_ref_time),
          metadata_(std::move(metadata)),
          overrides_(std::move(overrides)) {}

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

    const std::vector<HostPtr> hosts_;
    const std::int64_t last_ref_time_;
    const ServiceMetadataPtr metadata_;
    const OverridesPtr overrides_;
    mutable sdk::SharedCell<const Encoded> kept_text_;  ///< a large one
    mutable std::mutex small_mutex_;
    mutable std::weak_ptr<const Encoded> small_text_;  ///< guarded by the mutex above
    mutable std::atomic<bool> used_{false};
};

using SnapshotPtr = std::shared_ptr<const ServiceSnapshot>;

/// The text of a ServiceInfo before and after its hosts (`protocol/naming.md §2.1`). `name` is plain in gRPC and
/// grouped in HTTP; `clusters` is what the client asked for, unchanged; `cache_ms` comes from the switches.
void append_info_head(std::string& out, std::string_view name, std::string_view group, std::string_view clusters,
                      std::int64_t cache_ms);
void append_info_tail(std::string& out, std::int64_t last_ref_time, bool reach_protection_threshold);

}  // namespace pharos::naming
