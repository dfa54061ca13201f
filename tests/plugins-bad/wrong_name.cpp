// Its file name is not its name: settings of one would go to the other.
#include "bad_plugin.hpp"

PHAROS_PLUGIN(BadPlugin, "other_name", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
