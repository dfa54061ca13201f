#include "bad_plugin.hpp"

PHAROS_PLUGIN(BadPlugin, "cycle_b", "1", PHAROS_PROVIDES("test.B/1"), PHAROS_REQUIRES("test.A/1"), PHAROS_NO_SETTINGS)
