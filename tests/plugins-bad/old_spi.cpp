// Built against an SPI version that this server does not have: its symbol does not exist.
#include <pharos/spi/fingerprint.hpp>

#undef PHAROS_SPI_ABI_SYMBOL
#define PHAROS_SPI_ABI_SYMBOL pharos_spi_abi_0
extern "C" __attribute__((visibility("default"))) const char pharos_spi_abi_0;

#include "bad_plugin.hpp"

PHAROS_PLUGIN(BadPlugin, "old_spi", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
