#include <optional>

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/auth.hpp>
#include <pharos/spi/namespaces.hpp>
#include <pharos/spi/plugin.hpp>
#include <pharos/spi/store.hpp>

#include "cluster_http.hpp"
#include "dashboard_gauges.hpp"
#include "loader_http.hpp"
#include "namespaces_http.hpp"
#include "ops_http.hpp"
#include "state_http.hpp"

namespace {

namespace core = pharos::core;
namespace spi = pharos::spi;

/// What every node answers about itself.
class CorePlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        context_ = &context;
        const spi::Clock& clock = context.executors().clock();
        state_.emplace(context.node(), context.node_health());
        cluster_.emplace(context.node(), context.members(), clock);
        loader_.emplace(context.connections(), context.members(), clock, context.log(), host_);
        ops_.emplace(context.log_levels());
        gauges_.add_to(context.metrics(), context.connections());
        core::CallRoutes routes(context.http(), clock, routes_);
        namespaces_.add_to(routes);
        state_->add_to(routes);
        cluster_->add_to(routes);
        loader_->add_to(routes);
        ops_->add_to(routes);
        return routes_.status();
    }
    spi::Status start() noexcept override {
        spi::ServiceRegistry& services = context_->services();
        namespaces_.use(core::Namespaces(services.find<spi::Store>(), services.all<spi::NamespaceUsage>()));
        state_->use(services.find<spi::AuthProvider>() != nullptr);
        return {};
    }
    void stop() noexcept override {
        routes_.clear();
        gauges_.stop();
    }
    void health(spi::HealthSink&) const noexcept override {}

private:
    spi::PluginContext* context_ = nullptr;
    pharos::sdk::HostLoad host_;
    core::DashboardGauges gauges_{host_};
    core::NamespaceCalls namespaces_;
    std::optional<core::StateCalls> state_;
    std::optional<core::ClusterCalls> cluster_;
    std::optional<core::LoaderCalls> loader_;
    std::optional<core::OpsCalls> ops_;
    pharos::sdk::Registrations routes_;  ///< goes first: they use all of the above
};

}  // namespace

PHAROS_PLUGIN(CorePlugin, "core", "0.1.0", PHAROS_PROVIDES(),
              PHAROS_REQUIRES("pharos.Store/1?", "pharos.NamespaceUsage/1?", "pharos.AuthProvider/1?"),
              PHAROS_NO_SETTINGS)
