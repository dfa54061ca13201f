// A setting whose default is not within its own limits.
#include "bad_plugin.hpp"

static constexpr pharos::spi::SettingSpec kSettings[] = {
    {"window", pharos::spi::SettingType::kDuration, "5m", 1'000'000'000, 60'000'000'000, "How long."},
};

PHAROS_PLUGIN(BadPlugin, "bad_default", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), kSettings)
