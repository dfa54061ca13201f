// Nothing is wrong with it but that it needs one whose start fails.
#include "bad_plugin.hpp"

class NeedsFailing final : public pharos::spi::Plugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext&) noexcept override { return {}; }
    pharos::spi::Status start() noexcept override { return {}; }
    void stop() noexcept override {}
    void health(pharos::spi::HealthSink&) const noexcept override {}
};

PHAROS_PLUGIN(NeedsFailing, "needs_failing", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES("test.Failing/1"),
              PHAROS_NO_SETTINGS)
