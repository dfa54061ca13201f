#include "engine/reason.hpp"

#include <gtest/gtest.h>

namespace pharos::health {
namespace {

TEST(Reason, TextStaysAsItIs) {
    for (const char* text : {"", "connection refused", "Größe ≠ 5, 试试 🙂", "\xF4\x8F\xBF\xBF"}) {
        EXPECT_EQ(presentable(text), text);
    }
}

TEST(Reason, WhatIsNoTextIsShownByItsBytes) {
    EXPECT_EQ(presentable("a\r\n\x7f"
                          "b"),
              R"(a\x0d\x0a\x7fb)");
    EXPECT_EQ(presentable(std::string("\0\xff\xfe", 3)), R"(\x00\xff\xfe)");
    EXPECT_EQ(presentable("\x80"), R"(\x80)");
    EXPECT_EQ(presentable("\xC3"), R"(\xc3)");                          // cut
    EXPECT_EQ(presentable("\xC3("), R"(\xc3()");                        // no continuation
    EXPECT_EQ(presentable("\xC0\xAF"), R"(\xc0\xaf)");                  // longer than needed
    EXPECT_EQ(presentable("\xE0\x80\x80"), R"(\xe0\x80\x80)");          // likewise
    EXPECT_EQ(presentable("\xED\xA0\x80"), R"(\xed\xa0\x80)");          // a surrogate
    EXPECT_EQ(presentable("\xF4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");  // beyond the last character
    EXPECT_EQ(presentable("\xF5\x80\x80\x80"), R"(\xf5\x80\x80\x80)");
}

TEST(Reason, WhatIsTooLongIsCutBetweenCharacters) {
    EXPECT_EQ(presentable(std::string(300, 'x')), std::string(300, 'x'));
    EXPECT_EQ(presentable(std::string(301, 'x')), std::string(300, 'x') + "…");
    EXPECT_EQ(presentable(std::string(299, 'x') + "ä"), std::string(299, 'x') + "…");
    EXPECT_EQ(presentable(std::string(299, 'x') + "\x01"), std::string(299, 'x') + "…");
}

}  // namespace
}  // namespace pharos::health
