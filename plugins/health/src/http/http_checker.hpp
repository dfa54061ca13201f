#pragma once

#include <pharos/spi/health_check.hpp>
#include <pharos/spi/net.hpp>

namespace pharos::health {

/// The type HTTP: who answers a GET with 200 is well. Settings (`protocol/naming.md §4.3`): `path`, and `headers` as
/// "name:value|name:value". `expectedResponseCode` is not looked at, as in the reference; redirects are not followed.
class HttpChecker final : public spi::HealthChecker {
public:
    explicit HttpChecker(spi::Net& net) : net_(net) {}

    spi::Result<std::shared_ptr<spi::Probe>> configure(const spi::Properties& settings) noexcept override;

private:
    spi::Net& net_;
};

}  // namespace pharos::health
