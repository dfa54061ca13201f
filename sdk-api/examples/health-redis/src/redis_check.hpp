#pragma once

#include <pharos/spi/health_check.hpp>
#include <pharos/spi/net.hpp>

namespace health_redis {

/// The health check {"type":"REDIS","password":"…","username":"…","role":"master"}: all but the type may be left out.
/// Passes when the server answers PING or, with a role, has that role.
class RedisChecker final : public pharos::spi::HealthChecker {
public:
    /// `net` must outlive it.
    explicit RedisChecker(pharos::spi::Net& net) : net_(net) {}

    pharos::spi::Result<std::shared_ptr<pharos::spi::Probe>> configure(
        const pharos::spi::Properties& settings) noexcept override;

private:
    pharos::spi::Net& net_;
};

}  // namespace health_redis
