#include <chrono>
#include <thread>

#include "bad_plugin.hpp"

class StopHangs final : public BadPlugin {
public:
    void stop() noexcept override { std::this_thread::sleep_for(std::chrono::hours(1)); }
};

PHAROS_PLUGIN(StopHangs, "stop_hangs", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
