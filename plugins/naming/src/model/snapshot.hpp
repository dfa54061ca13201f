#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/shared_cell.hpp>

#include "model/instance.hpp"

namespace pharos::naming {

/// All hosts of a service at one moment. Immutable but for a cache: the text of its `hosts`, made at first use, shared
/// by every reply and push of every protocol generation, and dropped when nobody has used it for a while.
class ServiceSnapshot {
public:
    ServiceSnapshot(std::vector<HostPtr> hosts, std::int64_t last_ref_time)
        : hosts_(std::move(hosts)), last_ref_time_(last_ref_time) {}

    [[nodiscard]] const std::vector<HostPtr>& hosts() const noexcept { return hosts_; }
    [[nodiscard]] std::int64_t last_ref_time() const noexcept { return last_ref_time_; }

    /// The enabled hosts' JSON texts, comma-separated, as `protocol/naming.md §1.6` selects them for clients.
    /// `clusters` is a comma-separated list, "" = all.
    [[nodiscard]] std::shared_ptr<const std::string> hosts_json(std::string_view clusters, bool healthy_only) const;

    /// Drops the cached text unless it was used since the last call.
    void drop_unused_text() const noexcept;

private:
    [[nodiscard]] std::string encode(std::string_view clusters, bool healthy_only) const;

    const std::vector<HostPtr> hosts_;
    const std::int64_t last_ref_time_;
    mutable sdk::SharedCell<const std::string> text_;
    mutable std::atomic<bool> used_{false};
};

using SnapshotPtr = std::shared_ptr<const ServiceSnapshot>;

/// The text of a ServiceInfo before and after its hosts (`protocol/naming.md §2.1`). `name` is plain in gRPC and
/// grouped in HTTP; `clusters` is what the client asked for, unchanged.
void append_info_head(std::string& out, std::string_view name, std::string_view group, std::string_view clusters);
void append_info_tail(std::string& out, std::int64_t last_ref_time);

}  // namespace pharos::naming
