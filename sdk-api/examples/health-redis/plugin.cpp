// Wiring only; the logic is in src/.
#include <pharos/spi/plugin.hpp>

#include <optional>

#include "redis_check.hpp"

namespace {

namespace spi = pharos::spi;

class HealthRedis final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        checker_.emplace(context.net());
        spi::Result<spi::Registration> provided =
            context.services().provide<spi::HealthChecker>(*checker_, {{"type", "REDIS"}});
        if (!provided) {
            return provided.error();
        }
        registration_ = std::move(provided.value());
        return {};
    }
    spi::Status start() noexcept override { return {}; }
    void stop() noexcept override { registration_.reset(); }
    void health(spi::HealthSink&) const noexcept override {}

private:
    std::optional<health_redis::RedisChecker> checker_;
    spi::Registration registration_;
};

}  // namespace

PHAROS_PLUGIN(HealthRedis, "health-redis", "0.1.0", PHAROS_PROVIDES("pharos.HealthChecker/1"), PHAROS_REQUIRES(),
              PHAROS_NO_SETTINGS)
