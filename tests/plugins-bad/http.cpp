// Its name is that of a section of the server's own settings.
#include "bad_plugin.hpp"

PHAROS_PLUGIN(BadPlugin, "http", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
