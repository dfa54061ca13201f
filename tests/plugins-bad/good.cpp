// Nothing is wrong with it: what is refused beside it is refused for the one thing that is.
#include "bad_plugin.hpp"

static constexpr pharos::spi::SettingSpec kSettings[] = {
    {"greeting", pharos::spi::SettingType::kString, "hello", 0, 0, "What it would say."},
    {"times", pharos::spi::SettingType::kInteger, "3", 1, 10, "How often."},
};

PHAROS_PLUGIN(BadPlugin, "good", "1.2", PHAROS_PROVIDES(), PHAROS_REQUIRES("test.Nowhere/1?"), kSettings)
