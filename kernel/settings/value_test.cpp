#include <gtest/gtest.h>

#include "settings/value.hpp"

namespace pharos::settings {
namespace {

using spi::SettingSpec;
using spi::SettingType;

TEST(Value, DurationsAndSizes) {
    EXPECT_EQ(parse_duration("150ms").value(), 150'000'000);
    EXPECT_EQ(parse_duration(" 20 s").value(), 20'000'000'000);
    EXPECT_EQ(parse_duration("1h").value(), 3'600'000'000'000);
    EXPECT_FALSE(parse_duration("20"));
    EXPECT_FALSE(parse_duration("x"));
    EXPECT_FALSE(parse_duration("9999999999h"));
    EXPECT_EQ(parse_bytes("64KiB").value(), 65536);
    EXPECT_EQ(parse_bytes("1GiB").value(), 1073741824);
    EXPECT_EQ(parse_bytes("512").value(), 512);
    EXPECT_FALSE(parse_bytes("1GB"));
}

TEST(Value, ErrorsNameTheValueAndTheLimits) {
    const SettingSpec spec{"hold", SettingType::kDuration, "30s", 1'000'000'000, 60'000'000'000, ""};
    EXPECT_EQ(parse_value(spec, "61s").error().message(), "'61s' is not between 1s and 1m");
    EXPECT_EQ(parse_value(spec, "abc").error().message(), "'abc' is not a duration such as 150ms, 20s, 5m or 1h");
    const SettingSpec flag{"on", SettingType::kBool, "true", 0, 0, ""};
    EXPECT_EQ(parse_value(flag, "yes").error().message(), "'yes' is neither true nor false");
    const SettingSpec port{"port", SettingType::kInteger, "1", 1, 65535, ""};
    EXPECT_EQ(parse_value(port, "8848x").error().message(), "'8848x' is not a whole number");
}

TEST(Value, Lists) {
    const SettingSpec spec{"list", SettingType::kStringList, "", 0, 0, ""};
    EXPECT_EQ(parse_value(spec, "a, b,,c").value().list, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(parse_value(spec, "").value().list.empty());
}

TEST(Value, NumbersAreShownInTheirLargestWholeUnit) {
    EXPECT_EQ(format_number(SettingType::kDuration, 90'000'000'000), "90s");
    EXPECT_EQ(format_number(SettingType::kDuration, 60'000'000'000), "1m");
    EXPECT_EQ(format_number(SettingType::kBytes, 0), "0");
    EXPECT_EQ(format_number(SettingType::kBytes, 10 << 20), "10MiB");
}

}  // namespace
}  // namespace pharos::settings
