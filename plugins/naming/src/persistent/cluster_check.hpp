#pragma once

#include <cstdint>
#include <string>

#include <pharos/spi/health_check.hpp>

#include "model/service_metadata.hpp"

namespace pharos::naming {

/// How the instances of one cluster are probed, made of what operators have set for it (`protocol/naming.md §4.2`).
struct ClusterCheck {
    std::string type = "TCP";
    spi::Properties settings;      ///< for spi::HealthChecker::configure
    std::uint16_t other_port = 0;  ///< 0: the instance's own

    bool operator==(const ClusterCheck&) const = default;

    /// NONE: health is for operators to set.
    [[nodiscard]] bool is_probed() const noexcept { return type != "NONE"; }
};

/// What nobody has set anything for is probed by TCP at the instance's own port.
[[nodiscard]] ClusterCheck check_of(const ServiceMetadata* metadata, const std::string& cluster);

}  // namespace pharos::naming
