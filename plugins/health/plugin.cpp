#include <optional>
#include <random>

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/plugin.hpp>

#include "engine/engine.hpp"
#include "http/http_checker.hpp"
#include "none/none_checker.hpp"
#include "tcp/tcp_checker.hpp"

namespace {

namespace health = pharos::health;
namespace spi = pharos::spi;
using namespace std::chrono_literals;

constexpr spi::SettingSpec kSettings[] = {
    {"max_in_flight", spi::SettingType::kInteger, "4096", 1, 100'000,
     "Probes under way at once; each needs a descriptor."},
    {"max_rate", spi::SettingType::kInteger, "10000", 1, 10'000'000,
     "Probes a second; with many targets intervals grow towards the longest to keep it."},
};

constexpr spi::Duration kPatience = 5s;

/// Health checks: the engine, and the types TCP, HTTP and NONE, which are to it what anybody else's are.
class HealthPlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        const spi::Settings& settings = context.settings();
        tcp_.emplace(context.net());
        http_.emplace(context.net());
        engine_.emplace(context.services(), context.executors(), context.metrics(), context.log(),
                        health::Engine::Options{
                            .max_in_flight = static_cast<std::size_t>(settings.integer("max_in_flight")),
                            .max_rate = static_cast<std::size_t>(settings.integer("max_rate")),
                            .seed = std::random_device{}()});
        registrations_.take(context.services().provide<spi::HealthChecker>(*tcp_, {{"type", "TCP"}}));
        registrations_.take(context.services().provide<spi::HealthChecker>(*http_, {{"type", "HTTP"}}));
        registrations_.take(context.services().provide<spi::HealthChecker>(none_, {{"type", "NONE"}}));
        registrations_.take(context.services().provide<spi::HealthChecks>(*engine_));
        return registrations_.status();
    }
    spi::Status start() noexcept override {
        for (const char* type : {"TCP", "HTTP", "NONE"}) {
            engine_->prepare(type);
        }
        return {};
    }
    void stop() noexcept override {
        registrations_.clear();
        if (engine_) {
            engine_->stop(kPatience);
        }
    }
    void health(spi::HealthSink&) const noexcept override {}

private:
    std::optional<health::TcpChecker> tcp_;
    std::optional<health::HttpChecker> http_;
    health::NoneChecker none_;
    std::optional<health::Engine> engine_;
    pharos::sdk::Registrations registrations_;
};

}  // namespace

PHAROS_PLUGIN(HealthPlugin, "health", "0.1.0", PHAROS_PROVIDES("pharos.HealthChecker/1", "pharos.HealthChecks/1"),
              PHAROS_REQUIRES(), kSettings)
