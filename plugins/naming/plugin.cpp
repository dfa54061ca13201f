#include <optional>
#include <string>
#include <vector>

#include <pharos/protocol/dashboard.hpp>
#include <pharos/spi/health_check.hpp>
#include <pharos/spi/kv_store.hpp>
#include <pharos/spi/plugin.hpp>
#include <pharos/spi/store.hpp>

#include "api_http/naming_http.hpp"
#include "api_rpc/naming_rpc.hpp"
#include "beat/heartbeats.hpp"
#include "index/clock_mark.hpp"
#include "index/registry.hpp"
#include "persistent/persistent_instances.hpp"
#include "push/pusher.hpp"
#include "push/udp_pusher.hpp"
#include "state/catalogue.hpp"
#include "state/last_views.hpp"
#include "state/switches.hpp"

namespace {

namespace naming = pharos::naming;
namespace spi = pharos::spi;
using namespace std::chrono_literals;

constexpr std::int64_t kSecond = spi::Duration(1s).count();
constexpr std::int64_t kDay = spi::Duration(24h).count();

constexpr spi::SettingSpec kSettings[] = {
    {"lanes", spi::SettingType::kInteger, "256", 1, 65536, "Number of serial queues that services are spread over."},
    {"empty_service_expiry", spi::SettingType::kDuration, "60s", kSecond, kDay,
     "How long a service without instances is kept, with what operators have set for it."},
    {"override_expiry", spi::SettingType::kDuration, "60s", kSecond, kDay,
     "How long what operators have set for an instance outlives the instance."},
    {"settle", spi::SettingType::kDuration, "20s", 0, kDay,
     "How long after a start a service may be answered from its last view; 0 = never."},
    {"settle_share", spi::SettingType::kInteger, "50", 1, 100,
     "Per cent of a service's last instances that must be back before it shows only what is there."},
    {"expire_instance", spi::SettingType::kBool, "true", 0, 0,
     "Whether an instance that sends no beats is removed; false: it only becomes unhealthy."},
    {"max_batch", spi::SettingType::kInteger, "10000", 1, 1'000'000, "Instances of one batch registration."},
    {"max_udp_subscribers", spi::SettingType::kInteger, "100000", 1, 10'000'000,
     "Subscriptions of 1.x clients that are told by UDP; who comes beyond that polls."},
    {"udp_port", spi::SettingType::kInteger, "0", 0, 65535, "UDP port that pushes to 1.x clients come from; 0: any."},
};

constexpr spi::Duration kSweep = 5s;
/// Sweeps between two drops of texts that nobody uses and two marks of the clock.
constexpr unsigned kSlowly = 6;
constexpr spi::Duration kPatience = 5s;

/// Naming: services, their instances, and the push of changes.
class NamingPlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        context_ = &context;
        const spi::Settings& settings = context.settings();
        spi::Executors& executors = context.executors();
        const auto duration = [&settings](std::string_view key) { return spi::Duration(settings.integer(key)); };
        registry_.emplace(executors, static_cast<std::size_t>(settings.integer("lanes")));
        catalogue_.emplace(*registry_, executors, context.log(),
                           naming::Catalogue::Options{.empty_service_expiry = duration("empty_service_expiry"),
                                                      .override_expiry = duration("override_expiry")});
        last_views_.emplace(
            *registry_, executors, context.log(),
            naming::LastViews::Options{.settle = duration("settle"),
                                       .share = static_cast<double>(settings.integer("settle_share")) / 100.0});
        pusher_.emplace(*registry_, switches_, executors, context.connections(), context.metrics(), context.log());
        registry_->add_listener(*pusher_);
        registry_->add_listener(*last_views_);
        persistent_.emplace(*registry_, switches_, executors, context.log());
        switches_.on_change([this] {
            pusher_->on_switches_changed();
            persistent_->probes().on_switches_changed();
        });
        udp_.emplace(*registry_, switches_, executors, context.metrics(), context.log(),
                     static_cast<std::size_t>(settings.integer("max_udp_subscribers")));
        pusher_->set_datagrams(*udp_);
        heartbeats_.emplace(*registry_, switches_, executors,
                            naming::Heartbeats::Options{.expire = settings.boolean("expire_instance")});
        rpc_.emplace(*registry_, switches_, persistent_->writer(), context.connections(),
                     naming::BatchLimit{static_cast<std::size_t>(settings.integer("max_batch")),
                                        &context.metrics().counter("pharos_limit_refused_total",
                                                                   "Refused because of a limit, by its setting.",
                                                                   {{"limit", "naming.max_batch"}})});
        http_.emplace(*registry_, *heartbeats_, *catalogue_, *persistent_, switches_, *udp_, pusher_->costs(), context);
        if (spi::Status status = rpc_->add_to(context.rpc()); !status) {
            return status;
        }
        add_gauges(context.metrics());
        return http_->add_to(context.http());
    }

    spi::Status start() noexcept override {
        auto* const kv_store = context_->services().find<spi::KvStore>();
        auto* const store = context_->services().find<spi::Store>();
        clock_mark_.emplace(registry_->clock(), kv_store);
        clock_mark_->restore();
        if (spi::Status status = switches_.start(store); !status) {
            return status;
        }
        if (spi::Status status = catalogue_->start(store); !status) {
            return status;
        }
        if (spi::Status status = persistent_->start(store, context_->services().find<spi::HealthChecks>()); !status) {
            return status;
        }
        if (store != nullptr) {
            rpc_->announce_persistent(context_->rpc());
        }
        const auto udp_port = static_cast<std::uint16_t>(context_->settings().integer("udp_port"));
        if (spi::Status status = udp_->start(context_->net(), udp_port); !status) {
            return {status.code(), "naming.udp_port: " + status.message()};
        }
        last_views_->start(kv_store);
        arm_sweep();
        return {};
    }

    void stop() noexcept override {
        if (!registry_) {
            return;
        }
        http_->stop(kPatience);
        rpc_->stop();
        gauges_.clear();
        gate_.close(kPatience);
        last_views_->stop(kPatience);
        persistent_->stop(kPatience);
        catalogue_->stop(kPatience);
        switches_.stop(kPatience);
        heartbeats_->stop(kPatience);
        pusher_->stop(kPatience);
        udp_->stop(kPatience);
    }

    void health(spi::HealthSink& sink) const noexcept override {
        const spi::Duration left = last_views_->left();
        const std::size_t held = left > 0s ? registry_->count().held_services : 0;
        if (held == 0) {
            sink.report("naming.ap", spi::HealthState::kOk, "");
            return;
        }
        sink.report(
            "naming.ap", spi::HealthState::kDegraded,
            std::to_string(held) + " services are answered from what they showed before the restart, for at most " +
                std::to_string(std::chrono::ceil<std::chrono::seconds>(left).count()) + " s more (naming.settle)");
    }

private:
    void arm_sweep() {
        context_->executors().timers().after(kSweep, [this] {
            if (pharos::sdk::Gate::Pass pass = gate_.enter()) {
                context_->executors().work().post([this, pass = std::move(pass)] {
                    registry_->sweep(std::chrono::milliseconds(switches_.cache_millis()));
                    catalogue_->sweep();
                    if (++sweeps_ % kSlowly == 0) {
                        registry_->drop_unused();
                        clock_mark_->save();
                    }
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
        add("pharos_naming_services", "Services that exist, with or without instances.",
            &naming::Registry::Counts::services);
        add("pharos_naming_held_services", "Services that are answered from what they showed before the restart.",
            &naming::Registry::Counts::held_services);
        gauges_.push_back(metrics.gauge("pharos_naming_unwritten_views",
                                        "Services whose last view on disk is older than what they show.", {},
                                        [this] { return static_cast<double>(last_views_->backlog()); }));
        add("pharos_naming_instances", "Instances of all services.", &naming::Registry::Counts::instances);
        add("pharos_naming_subscribers", "Subscriptions of all clients.", &naming::Registry::Counts::subscribers);
        for (const auto& [name, member] : {std::pair{"serviceCount", &naming::Registry::Counts::services},
                                           std::pair{"ipCount", &naming::Registry::Counts::instances},
                                           std::pair{"subscriberCount", &naming::Registry::Counts::subscribers}}) {
            gauges_.push_back(pharos::protocol::dashboard_gauge(metrics, "naming", name, [this, member = member] {
                return static_cast<double>(registry_->count().*member);
            }));
        }
    }

    spi::PluginContext* context_ = nullptr;
    // In this order: what comes later uses what comes before.
    std::optional<naming::Registry> registry_;
    std::optional<naming::ClockMark> clock_mark_;
    naming::Switches switches_;
    std::optional<naming::Catalogue> catalogue_;
    std::optional<naming::LastViews> last_views_;
    std::optional<naming::Pusher> pusher_;
    std::optional<naming::UdpPusher> udp_;
    std::optional<naming::PersistentInstances> persistent_;
    std::optional<naming::Heartbeats> heartbeats_;
    std::optional<naming::NamingRpc> rpc_;
    std::optional<naming::NamingHttp> http_;
    std::vector<spi::Registration> gauges_;
    unsigned sweeps_ = 0;
    pharos::sdk::Gate gate_;
};

}  // namespace

PHAROS_PLUGIN(NamingPlugin, "naming", "0.1.0", PHAROS_PROVIDES(),
              PHAROS_REQUIRES("pharos.KvStore/1?", "pharos.Store/1?", "pharos.HealthChecks/1?"), kSettings)
