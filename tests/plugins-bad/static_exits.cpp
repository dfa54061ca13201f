#include <cstdlib>

#include "bad_plugin.hpp"

namespace {
struct Global {
    Global() { std::exit(0); }
} global;
}  // namespace

PHAROS_PLUGIN(BadPlugin, "static_exits", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
