#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <pharos/spi/metrics.hpp>

namespace pharos::protocol {

/// One of the gauges that the reference's dashboards ask for: nacos_monitor{module=…,name=…} (`protocol/core.md
/// §3.11`).
[[nodiscard]] inline spi::Registration dashboard_gauge(spi::Metrics& metrics, std::string_view module,
                                                       std::string_view name, spi::UniqueFunction<double()> read) {
    return metrics.gauge("nacos_monitor", "Gauges that dashboards of the reference ask for, by module and name.",
                         {{"module", std::string(module)}, {"name", std::string(name)}}, std::move(read));
}

}  // namespace pharos::protocol
