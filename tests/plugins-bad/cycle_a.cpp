#include "bad_plugin.hpp"

PHAROS_PLUGIN(BadPlugin, "cycle_a", "1", PHAROS_PROVIDES("test.A/1"), PHAROS_REQUIRES("test.B/1"), PHAROS_NO_SETTINGS)
