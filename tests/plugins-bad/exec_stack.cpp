// Linked with -z execstack.
#include "bad_plugin.hpp"

PHAROS_PLUGIN(BadPlugin, "exec_stack", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
