#include "cli/setting_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pharos::cli {
namespace {

using spi::SettingType;
using testing::HasSubstr;

const std::vector<SettingSection> kSections{
    {"server",
     false,
     {{"port", SettingType::kInteger, "8848", 1, 64535, "HTTP port."},
      {"addresses", SettingType::kStringList, "127.0.0.1,::1", 0, 0, "Where to listen."}}},
    {"my-plugin",
     true,
     {{"idle.after", SettingType::kDuration, "20s", 0, 60'000'000'000, "Either a|b."},
      {"size", SettingType::kBytes, "4MiB", 1024, 1 << 30, "Bytes."},
      {"on", SettingType::kBool, "false", 0, 0, "Whether."},
      {"name", SettingType::kString, "", 0, 0, "Name."}}}};

TEST(SettingsMarkdown, HasEverythingOfASetting) {
    const std::string text = settings_markdown(kSections);
    EXPECT_THAT(text, HasSubstr("\n## server\n\n|"));
    EXPECT_THAT(text,
                HasSubstr("| `server.port` | number | `8848` | 1 to 64535 | HTTP port. | `PHAROS_SERVER_PORT` |"));
    EXPECT_THAT(text, HasSubstr("| `server.addresses` | list | `[\"127.0.0.1\", \"::1\"]` |  | Where to listen. |"));
    EXPECT_THAT(text, HasSubstr("## my-plugin\n\nOf the plugin `my-plugin`."));
    EXPECT_THAT(text, HasSubstr("| `my-plugin.idle.after` | duration | `\"20s\"` | 0 to 1m | Either a\\|b. | "
                                "`PHAROS_MY_PLUGIN_IDLE_AFTER` |"));
    EXPECT_THAT(text, HasSubstr("| size | `\"4MiB\"` | 1KiB to 1GiB |"));
}

TEST(SettingsToml, IsDefaultsThatAreCommentedOut) {
    const std::string text = settings_toml(kSections);
    EXPECT_THAT(text, HasSubstr("\n[server]\n# HTTP port. 1 to 64535.\n#port = 8848\n"));
    EXPECT_THAT(text, HasSubstr("#addresses = [\"127.0.0.1\", \"::1\"]\n"));
    EXPECT_THAT(text, HasSubstr("\n[my-plugin]\n"));
    EXPECT_THAT(text, HasSubstr("#idle.after = \"20s\"\n"));
    EXPECT_THAT(text, HasSubstr("#on = false\n"));
    EXPECT_THAT(text, HasSubstr("#name = \"\"\n"));
}

}  // namespace
}  // namespace pharos::cli
