#include "bad_plugin.hpp"

PHAROS_PLUGIN(BadPlugin, "missing_service", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES("test.Nowhere/1"),
              PHAROS_NO_SETTINGS)
