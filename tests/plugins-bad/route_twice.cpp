// Wants a route that somebody else has.
#include "bad_plugin.hpp"

class RouteTwice final : public BadPlugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext& context) noexcept override {
        static_cast<void>(BadPlugin::init(context));
        more_.take(context.http().add(
            {pharos::spi::HttpMethod::kGet, "//health", {pharos::spi::Action::kRead, "node", nullptr, {}, {}}},
            [](const pharos::spi::HttpRequest&, pharos::spi::HttpResponder responder) { responder.send({}); }));
        return more_.status();
    }

private:
    pharos::sdk::Registrations more_;
};

PHAROS_PLUGIN(RouteTwice, "route_twice", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
