#include <stdexcept>

#include "bad_plugin.hpp"

namespace {
struct Global {
    Global() { throw std::runtime_error("made to throw"); }
} global;
}  // namespace

PHAROS_PLUGIN(BadPlugin, "static_throws", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
