#include <pharos/spi/plugin.hpp>

#include "standalone_lookup.hpp"

namespace {

namespace spi = pharos::spi;

/// Member lookups that come with the server.
class LookupPlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        spi::Result<spi::Registration> provided =
            context.services().provide<spi::MemberLookup>(standalone_, {{"type", "standalone"}});
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
    pharos::lookup::StandaloneLookup standalone_;
    spi::Registration registration_;
};

}  // namespace

PHAROS_PLUGIN(LookupPlugin, "lookup", "0.1.0", PHAROS_PROVIDES("pharos.MemberLookup/1"), PHAROS_REQUIRES(),
              PHAROS_NO_SETTINGS)
