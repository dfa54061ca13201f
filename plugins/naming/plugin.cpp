#include <optional>
#include <vector>

#include <pharos/spi/kv_store.hpp>
#include <pharos/spi/plugin.hpp>

#include "api_http/naming_http.hpp"
#include "api_rpc/naming_rpc.hpp"
#include "beat/heartbeats.hpp"
#include "index/clock_mark.hpp"
#include "index/registry.hpp"
#include "push/pusher.hpp"

namespace {

namespace naming = pharos::naming;
namespace spi = pharos::spi;
using namespace std::chrono_literals;

constexpr spi::SettingSpec kSettings[] = {
    {"lanes", spi::SettingType::kInteger, "256", 1, 65536, "Number of serial queues that services are spread over."},
};

constexpr spi::Duration kSweep = 30s;
constexpr spi::Duration kPatience = 5s;

/// Naming: services, their instances, and the push of changes.
class NamingPlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        context_ = &context;
        registry_.emplace(context.executors(), static_cast<std::size_t>(context.settings().integer("lanes")));
        pusher_.emplace(*registry_, context.executors(), context.connections(), context.metrics(), context.log());
        registry_->set_listener(*pusher_);
        heartbeats_.emplace(*registry_, context.executors());
        rpc_.emplace(*registry_, context.connections());
        http_.emplace(*registry_, *heartbeats_, context.executors().clock());
        if (spi::Status status = rpc_->add_to(context.rpc()); !status) {
            return status;
        }
        add_gauges(context.metrics());
        return http_->add_to(context.http());
    }

    spi::Status start() noexcept override {
        clock_mark_.emplace(registry_->clock(), context_->services().find<spi::KvStore>());
        clock_mark_->restore();
        arm_sweep();
        return {};
    }

    void stop() noexcept override {
        if (!registry_) {
            return;
        }
        http_->stop();
        rpc_->stop();
        gauges_.clear();
        gate_.close(kPatience);
        heartbeats_->stop(kPatience);
        pusher_->stop(kPatience);
    }

    void health(spi::HealthSink& sink) const noexcept override { sink.report("naming.ap", spi::HealthState::kOk, ""); }

private:
    void arm_sweep() {
        context_->executors().timers().after(kSweep, [this] {
            if (pharos::sdk::Gate::Pass pass = gate_.enter()) {
                context_->executors().work().post([this, pass = std::move(pass)] {
                    registry_->sweep();
                    clock_mark_->save();
                    arm_sweep();
                });
            }
        });
    }

    void add_gauges(spi::Metrics& metrics) {
        using Count = std::size_t naming::Registry::Counts::*;
        const auto add = [&](std::string_view name, std::string_view help, Count member) {
            gauges_.push_back(metrics.gauge(
                name, help, {}, [this, member] { return static_cast<double>(registry_->count().*member); }));
        };
        add("pharos_naming_services", "Services that have instances.", &naming::Registry::Counts::services);
        add("pharos_naming_instances", "Instances of all services.", &naming::Registry::Counts::instances);
        add("pharos_naming_subscribers", "Subscriptions of all clients.", &naming::Registry::Counts::subscribers);
    }

    spi::PluginContext* context_ = nullptr;
    // In this order: what comes later uses what comes before.
    std::optional<naming::Registry> registry_;
    std::optional<naming::ClockMark> clock_mark_;
    std::optional<naming::Pusher> pusher_;
    std::optional<naming::Heartbeats> heartbeats_;
    std::optional<naming::NamingRpc> rpc_;
    std::optional<naming::NamingHttp> http_;
    std::vector<spi::Registration> gauges_;
    pharos::sdk::Gate gate_;
};

}  // namespace

PHAROS_PLUGIN(NamingPlugin, "naming", "0.1.0", PHAROS_PROVIDES(), PHAROS_REQUIRES("pharos.KvStore/1?"), kSettings)
