#include "cli/text.hpp"

#include <gtest/gtest.h>

namespace pharos::cli {
namespace {

TEST(DisplayWidth, CountsColumns) {
    EXPECT_EQ(display_width("app.yaml"), 8u);
    EXPECT_EQ(display_width("配置"), 4u);
    EXPECT_EQ(display_width("é"), 1u);
    EXPECT_EQ(display_width("e\u0301"), 1u) << "a combining accent takes no column";
    EXPECT_EQ(display_width("한글"), 4u);
    EXPECT_EQ(display_width("🚀"), 2u);
    EXPECT_EQ(display_width("\xff\xfe"), 2u) << "bytes that are not UTF-8 count as one each";
}

TEST(CutToWidth, CutsAtCharactersAndFitsWide) {
    EXPECT_EQ(cut_to_width("application", 5), "appl…");
    EXPECT_EQ(cut_to_width("short", 5), "short");
    EXPECT_EQ(cut_to_width("配置中心", 5), "配置…");
    EXPECT_EQ(cut_to_width("配置中心", 4), "配…") << "half of a wide character is none";
    EXPECT_EQ(cut_to_width("配置", 0), "");
}

TEST(Matches, StarIsAnything) {
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches("app*", "app"));
    EXPECT_TRUE(matches("*.yaml", "app.yaml"));
    EXPECT_TRUE(matches("a*b*c", "aXbYbZc"));
    EXPECT_TRUE(matches("app.yaml", "app.yaml"));
    EXPECT_FALSE(matches("app", "app.yaml"));
    EXPECT_FALSE(matches("app_yaml", "app.yaml")) << "only * is special";
    EXPECT_FALSE(matches("*.yaml", "app.yaml.bak"));
    EXPECT_FALSE(matches("", "a"));
}

TEST(Matches, ManyStarsDoNotTakeForEver) {
    EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(4000, 'a')));
}

TEST(TypeOfDataId, IsByTheEnding) {
    EXPECT_EQ(type_of_data_id("app.yaml"), "yaml");
    EXPECT_EQ(type_of_data_id("app.yml"), "yaml");
    EXPECT_EQ(type_of_data_id("a.properties"), "properties");
    EXPECT_EQ(type_of_data_id("a.json"), "json");
    EXPECT_EQ(type_of_data_id("a.xml"), "xml");
    EXPECT_EQ(type_of_data_id("a.htm"), "html");
    EXPECT_EQ(type_of_data_id("a.toml"), "toml");
    EXPECT_EQ(type_of_data_id("yaml"), "text");
    EXPECT_EQ(type_of_data_id("noending"), "text");
}

TEST(ParseTime, ReadsBothForms) {
    EXPECT_EQ(parse_time("Thu, 01 Jan 1970 00:00:10 GMT"), 10'000);
    EXPECT_EQ(parse_time("2026-11-23T02:51:14.396+00:00"), 1'795'402'274'396);
    EXPECT_EQ(parse_time("2026-11-23T10:51:14.396+08:00"), 1'795'402'274'396);
    EXPECT_EQ(parse_time("1970-01-01T00:00:01Z"), 1'000);
    EXPECT_EQ(parse_time("yesterday"), 0);
    EXPECT_EQ(parse_time(""), 0);
}

TEST(LocalTime, ZeroIsUnknown) { EXPECT_EQ(local_time(0), "-"); }

}  // namespace
}  // namespace pharos::cli
