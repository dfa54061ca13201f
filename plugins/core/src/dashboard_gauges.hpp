#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>

#include <pharos/sdk/host_load.hpp>
#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>

namespace pharos::core {

/// The core's part of the gauges that dashboards of the original ask for (`protocol/core.md §3.11`):
/// `nacos_monitor{name="longConnection"}`, in all and by the module that clients name, and the load of the machine.
/// Counts by hearing, so that reading costs nothing however many connections there are.
class DashboardGauges final : private spi::ConnectionObserver {
public:
    /// Must outlive this object.
    explicit DashboardGauges(sdk::HostLoad& host) : host_(host) {}

    void add_to(spi::Metrics& metrics, spi::Connections& connections);
    void stop() noexcept { registrations_.clear(); }

private:
    /// Values of the label `module`; everything else counts as the last.
    static constexpr std::array<std::string_view, 5> kModules{"config", "naming", "lock", "ai", "unknown"};

    void on_registered(const spi::ConnectionPtr& connection) noexcept override { count(*connection, 1); }
    void on_closed(const spi::ConnectionPtr& connection) noexcept override { count(*connection, -1); }
    void count(const spi::ConnectionInfo& connection, int by) noexcept;

    sdk::HostLoad& host_;
    std::array<std::atomic<std::int64_t>, kModules.size()> counts_{};
    sdk::Registrations registrations_;
};

}  // namespace pharos::core
