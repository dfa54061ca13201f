// Built by another toolchain.
#include "bad_plugin.hpp"

#undef PHAROS_FINGERPRINT
#define PHAROS_FINGERPRINT "gcc1;c++199711"
PHAROS_PLUGIN(BadPlugin, "wrong_fingerprint", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
