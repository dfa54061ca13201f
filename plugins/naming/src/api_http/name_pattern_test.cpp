#include <gtest/gtest.h>

#include "api_http/name_pattern.hpp"

namespace pharos::naming {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
    const spi::Result<NamePattern> parsed = NamePattern::parse(pattern);
    EXPECT_TRUE(parsed.is_ok()) << pattern;
    return parsed && parsed.value().matches(name);
}

// `protocol/naming.md §11`, trap 22: regular expressions that may stand anywhere in the name.
TEST(NamePattern, IsAnExpressionThatTheNameContains) {
    EXPECT_TRUE(matches("", "anything"));
    EXPECT_TRUE(matches("", ""));
    EXPECT_TRUE(matches("der-s", "order-service"));
    EXPECT_FALSE(matches("sred", "order-service"));
    EXPECT_TRUE(matches("o.der", "order-service"));
    EXPECT_FALSE(matches("order-service.", "order-service"));
    EXPECT_TRUE(matches("^order.*e$", "order-service"));
    EXPECT_TRUE(matches("(a|b)-[0-9]+", "x-b-17"));
    EXPECT_FALSE(matches("(a|b)-[0-9]+", "x-c-17"));
}

TEST(NamePattern, WhatIsNoExpressionIsRefusedByName) {
    for (const std::string_view wrong : {"*x", "(", "[a", "a{2"}) {
        const spi::Result<NamePattern> parsed = NamePattern::parse(wrong);
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_EQ(parsed.error().code(), spi::Code::kInvalidArgument);
        EXPECT_NE(parsed.error().message().find(wrong), std::string::npos);
    }
    EXPECT_FALSE(NamePattern::parse(std::string(NamePattern::kLongest + 1, 'a')));
}

/// A back-tracking matcher would not end in the lifetime of this test.
TEST(NamePattern, DoesNotExplode) { EXPECT_FALSE(matches("(a+)+(a+)+b", std::string(500, 'a'))); }

}  // namespace
}  // namespace pharos::naming
