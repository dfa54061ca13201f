#include "dashboard_gauges.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include <pharos/protocol/dashboard.hpp>

namespace pharos::core {

void DashboardGauges::add_to(spi::Metrics& metrics, spi::Connections& connections) {
    constexpr std::string_view kName = "longConnection";
    registrations_.take(connections.observe(*this));
    registrations_.take(protocol::dashboard_gauge(metrics, "core", kName, [this] {
        return static_cast<double>(
            std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0},
                            [](std::int64_t sum, const auto& count) { return sum + count.load(); }));
    }));
    for (std::size_t i = 0; i < kModules.size(); ++i) {
        registrations_.take(protocol::dashboard_gauge(metrics, kModules[i], kName,
                                                      [this, i] { return static_cast<double>(counts_[i].load()); }));
    }
    registrations_.take(metrics.gauge("system_cpu_usage", "Share of the machine's processor time in use, 0 to 1.", {},
                                      [this] { return host_.cpu(); }));
    registrations_.take(metrics.gauge("system_load_average_1m", "Runnable processes, on average over a minute.", {},
                                      [] { return sdk::HostLoad::load_average(); }));
}

void DashboardGauges::count(const spi::ConnectionInfo& connection, int by) noexcept {
    const auto found = std::find(kModules.begin(), kModules.end() - 1, connection.label("module"));
    counts_[static_cast<std::size_t>(found - kModules.begin())].fetch_add(by, std::memory_order_relaxed);
}

}  // namespace pharos::core
