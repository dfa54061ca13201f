#include <cstdio>
#include <cstdlib>

#include "bad_plugin.hpp"

namespace {
struct Global {
    Global() {
        std::fputs("the stars\nare wrong\n", stderr);
        std::abort();
    }
} global;
}  // namespace

PHAROS_PLUGIN(BadPlugin, "static_aborts", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
