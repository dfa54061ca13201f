#include "rule.hpp"

#include <gmock/gmock.h>

namespace pharos::control {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(Rule, SettingsNameAPointALimitAndAPeriod) {
    const auto rule = parse_setting("ConfigPublish=1000/s");
    ASSERT_TRUE(rule) << rule.error().message();
    EXPECT_EQ(rule.value().point, "ConfigPublish");
    EXPECT_EQ(rule.value().rule, (Rule{1000, 1s, true}));
    EXPECT_EQ(parse_setting("A=0/m").value().rule, (Rule{0, 1min, true}));
    EXPECT_EQ(parse_setting("A=5/h monitor").value().rule, (Rule{5, 1h, false}));
}

TEST(Rule, BadSettingsAreQuoted) {
    for (const char* text : {"", "A", "A=", "A=/s", "A=1", "A=1/", "A=1/d", "A=-1/s", "A=1.5/s", "=1/s", "A=1/ss",
                             "A=1 /s", "A=99999999999999999999/s"}) {
        const auto rule = parse_setting(text);
        ASSERT_FALSE(rule) << text;
        EXPECT_THAT(rule.error().message(), HasSubstr("'" + std::string(text) + "'"));
        EXPECT_THAT(rule.error().message(), HasSubstr("ConfigPublish=1000/s"));
    }
}

// protocol/core.md §6
TEST(Rule, FilesAreThoseOfTheOriginal) {
    const auto rule = parse_rule_file(
        R"({"pointName":"ConfigPublish","pointRule":{"ruleName":"x","maxCount":100,"period":"MINUTES","monitorType":"intercept"}})");
    ASSERT_TRUE(rule);
    EXPECT_EQ(rule.value(), (Rule{100, 1min, true}));
    EXPECT_EQ(parse_rule_file(R"({"pointName":"A","pointRule":{"maxCount":1,"monitorType":"monitor"}})").value(),
              (Rule{1, 1s, false}));
    EXPECT_FALSE(parse_rule_file(R"({"pointName":"A"})").value().is_limit());
}

TEST(Rule, BadFilesSayWhatIsAllowed) {
    const auto reason = [](const char* text) {
        const auto rule = parse_rule_file(text);
        return rule ? "" : rule.error().message();
    };
    EXPECT_NE(reason("not json"), "");
    EXPECT_NE(reason("[1]"), "");
    EXPECT_THAT(reason(R"({"pointRule":{"maxCount":"many"}})"), HasSubstr("'many'"));
    EXPECT_THAT(reason(R"({"pointRule":{"maxCount":1,"period":"DAYS"}})"), HasSubstr("SECONDS, MINUTES and HOURS"));
    EXPECT_THAT(reason(R"({"pointRule":{"maxCount":1,"monitorType":"x"}})"), HasSubstr("monitor and intercept"));
}

TEST(Rule, ConnectionFiles) {
    const auto rule = parse_connection_file(R"({"countLimit":1000,"monitorIpList":["10.0.0.1","10.0.0.2"]})");
    ASSERT_TRUE(rule);
    EXPECT_EQ(rule.value(), (ConnectionRule{1000, {"10.0.0.1", "10.0.0.2"}}));
    EXPECT_EQ(parse_connection_file("{}").value(), ConnectionRule{});
    EXPECT_FALSE(parse_connection_file(R"({"countLimit":"x"})"));
}

}  // namespace
}  // namespace pharos::control
