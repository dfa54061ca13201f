#pragma once

#include <pharos/spi/health_check.hpp>

namespace pharos::health {

/// The type NONE: nobody is probed; health is what clients and operators say.
class NoneChecker final : public spi::HealthChecker {
public:
    spi::Result<std::shared_ptr<spi::Probe>> configure(const spi::Properties&) noexcept override {
        return std::shared_ptr<spi::Probe>();
    }
};

}  // namespace pharos::health
