#include "bad_plugin.hpp"

class InitCrashes final : public BadPlugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext&) noexcept override {
        volatile int* volatile nowhere = nullptr;
        *nowhere = 1;
        return {};
    }
};

PHAROS_PLUGIN(InitCrashes, "init_crashes", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
