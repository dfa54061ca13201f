#include <chrono>
#include <thread>

#include "bad_plugin.hpp"

namespace {
struct Global {
    Global() { std::this_thread::sleep_for(std::chrono::hours(1)); }
} global;
}  // namespace

PHAROS_PLUGIN(BadPlugin, "static_hangs", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
