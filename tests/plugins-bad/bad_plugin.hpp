#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/plugin.hpp>

/// A plugin that answers at /bad-plugin, shows a metric and announces an ability, for others to do one thing wrong:
/// whatever becomes of them, none of it may be left.
class BadPlugin : public pharos::spi::Plugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext& context) noexcept override {
        registered_.take(context.http().add(
            {pharos::spi::HttpMethod::kGet,
             "//bad-plugin",
             {pharos::spi::Action::kRead, "node", nullptr, {}, "it says nothing but that it is there"}},
            [](const pharos::spi::HttpRequest&, pharos::spi::HttpResponder responder) { responder.send({}); }));
        registered_.take(context.metrics().gauge("bad_plugin", "Is there.", {}, [] { return 1.0; }));
        registered_.take(context.rpc().ability("badPlugin"));
        return registered_.status();
    }
    pharos::spi::Status start() noexcept override { return {}; }
    void stop() noexcept override {}
    void health(pharos::spi::HealthSink&) const noexcept override {}

private:
    pharos::sdk::Registrations registered_;
};
