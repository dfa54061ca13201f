#include <optional>

#include <pharos/spi/namespaces.hpp>
#include <pharos/spi/plugin.hpp>
#include <pharos/spi/store.hpp>

#include "core_http.hpp"

namespace {

namespace core = pharos::core;
namespace spi = pharos::spi;

/// What every node answers about itself.
class CorePlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        context_ = &context;
        http_.emplace(context);
        return http_->add_to(context.http());
    }
    spi::Status start() noexcept override {
        spi::ServiceRegistry& services = context_->services();
        http_->use(core::Namespaces(services.find<spi::Store>(), services.all<spi::NamespaceUsage>()));
        return {};
    }
    void stop() noexcept override {
        if (http_) {
            http_->stop();
        }
    }
    void health(spi::HealthSink&) const noexcept override {}

private:
    spi::PluginContext* context_ = nullptr;
    std::optional<core::CoreHttp> http_;
};

}  // namespace

PHAROS_PLUGIN(CorePlugin, "core", "0.1.0", PHAROS_PROVIDES(),
              PHAROS_REQUIRES("pharos.Store/1?", "pharos.NamespaceUsage/1?"), PHAROS_NO_SETTINGS)
