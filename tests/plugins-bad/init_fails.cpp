#include "bad_plugin.hpp"

class InitFails final : public BadPlugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext& context) noexcept override {
        static_cast<void>(BadPlugin::init(context));
        return {pharos::spi::Code::kInternal, "no luck today"};
    }
};

PHAROS_PLUGIN(InitFails, "init_fails", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
