// One of many that do nothing, to see what a plugin costs (bench/plugins.py).
#include "bad_plugin.hpp"

class Idle final : public pharos::spi::Plugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext&) noexcept override { return {}; }
    pharos::spi::Status start() noexcept override { return {}; }
    void stop() noexcept override {}
    void health(pharos::spi::HealthSink&) const noexcept override {}
};

PHAROS_PLUGIN(Idle, NAME, "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
