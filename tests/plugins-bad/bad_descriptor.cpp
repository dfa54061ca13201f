// A descriptor of another layout.
#include "bad_plugin.hpp"

extern "C" __attribute__((visibility("default"), used, section("pharos")))
const pharos::spi::Descriptor pharos_plugin = {0x12345678,
                                               40,
                                               &PHAROS_SPI_ABI_SYMBOL,
                                               PHAROS_FINGERPRINT,
                                               "bad_descriptor",
                                               "1",
                                               {},
                                               {},
                                               nullptr,
                                               0,
                                               []() -> pharos::spi::Plugin* { return new BadPlugin(); },
                                               [](pharos::spi::Plugin* plugin) { delete plugin; }};
