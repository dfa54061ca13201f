// Built with other headers of the SPI, under the same version.
#include "bad_plugin.hpp"

#undef PHAROS_SPI_DIGEST
#define PHAROS_SPI_DIGEST "0123456789abcdef"
PHAROS_PLUGIN(BadPlugin, "wrong_digest", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
