// Linked without -z nodelete, now and relro, and shows more than its descriptor: a server takes it, the check does not.
#include "bad_plugin.hpp"

extern "C" __attribute__((visibility("default"))) int sloppy_helper() { return 1; }

PHAROS_PLUGIN(BadPlugin, "sloppy", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
