#pragma once

#include <pharos/spi/plugin.hpp>

/// A plugin that does nothing, for others to do one thing wrong.
class BadPlugin : public pharos::spi::Plugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext&) noexcept override { return {}; }
    pharos::spi::Status start() noexcept override { return {}; }
    void stop() noexcept override {}
    void health(pharos::spi::HealthSink&) const noexcept override {}
};
