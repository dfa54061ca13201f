#include <chrono>
#include <thread>

#include "bad_plugin.hpp"

class StartHangs final : public BadPlugin {
public:
    pharos::spi::Status start() noexcept override {
        std::this_thread::sleep_for(std::chrono::hours(1));
        return {};
    }
};

PHAROS_PLUGIN(StartHangs, "start_hangs", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
