#pragma once

#include <pharos/spi/health_check.hpp>
#include <pharos/spi/net.hpp>

namespace pharos::health {

/// The type TCP: who takes a connection is well, who refuses it is not. It has no settings.
class TcpChecker final : public spi::HealthChecker {
public:
    explicit TcpChecker(spi::Net& net) : net_(net) {}

    spi::Result<std::shared_ptr<spi::Probe>> configure(const spi::Properties& settings) noexcept override;

private:
    spi::Net& net_;
};

}  // namespace pharos::health
