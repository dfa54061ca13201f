#include "dashboard_gauges.hpp"

#include <algorithm>
#include <numeric>
#include <string>

namespace pharos::core {

void DashboardGauges::add_to(spi::Metrics& metrics, spi::Connections& connections) {
    constexpr std::string_view kName = "nacos_monitor";
    constexpr std::string_view kHelp = "Gauges that dashboards of the original ask for, by module and name.";
    registrations_.take(connections.observe(*this));
    const auto labels = [](std::string_view module) {
        return spi::Labels{{"module", std::string(module)}, {"name", "longConnection"}};
    };
    registrations_.take(metrics.gauge(kName, kHelp, labels("core"), [this] {
        return static_cast<double>(
            std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0},
                            [](std::int64_t sum, const auto& count) { return sum + count.load(); }));
    }));
    for (std::size_t i = 0; i < kModules.size(); ++i) {
        registrations_.take(metrics.gauge(kName, kHelp, labels(kModules[i]),
                                          [this, i] { return static_cast<double>(counts_[i].load()); }));
    }
    registrations_.take(metrics.gauge("system_cpu_usage", "Share of the machine's processor time in use, 0 to 1.", {},
                                      [this] { return host_.cpu(); }));
    registrations_.take(metrics.gauge("system_load_average_1m", "Runnable processes, on average over a minute.", {},
                                      [] { return HostLoad::load_average(); }));
}

void DashboardGauges::count(const spi::ConnectionInfo& connection, int by) noexcept {
    const auto found = std::find(kModules.begin(), kModules.end() - 1, connection.label("module"));
    counts_[static_cast<std::size_t>(found - kModules.begin())].fetch_add(by, std::memory_order_relaxed);
}

}  // namespace pharos::core
