// A setting without a key.
#include "bad_plugin.hpp"

static constexpr pharos::spi::SettingSpec kSettings[] = {
    {"window", pharos::spi::SettingType::kString, "", 0, 0, "What."},
    {nullptr, pharos::spi::SettingType::kString, "", 0, 0, "What."},
};

PHAROS_PLUGIN(BadPlugin, "null_key", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), kSettings)
