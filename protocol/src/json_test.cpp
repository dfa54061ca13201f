#include <gtest/gtest.h>

#include <pharos/protocol/json.hpp>
#include <pharos/sdk/input_limits.hpp>

namespace pharos::protocol {
namespace {

TEST(JsonDocument, ReadsScalarsTolerantly) {
    JsonDocument doc(
        R"({"s":"x","n":5,"d":1.5,"b":true,"z":null,"big":18446744073709551615,"port":"80","w":"1.000000"})");
    ASSERT_TRUE(doc.status().is_ok()) << doc.status().message();
    EXPECT_EQ(doc.text("s"), "x");
    EXPECT_EQ(doc.text("n"), "5");
    EXPECT_EQ(doc.text("d"), "1.5");
    EXPECT_EQ(doc.text("b"), "true");
    EXPECT_EQ(doc.text("big"), "18446744073709551615");
    EXPECT_EQ(doc.find_text(doc.root(), "z"), std::nullopt);
    EXPECT_EQ(doc.find_text(doc.root(), "absent"), std::nullopt);
    EXPECT_EQ(integer(doc.root(), "port", 0), 80);
    EXPECT_EQ(number(doc.root(), "w", 0), 1.0);
    EXPECT_EQ(integer(doc.root(), "absent", 7), 7);
    EXPECT_EQ(integer(doc.root(), "s", 7), std::nullopt);
    EXPECT_TRUE(boolean(doc.root(), "b", false));
    EXPECT_TRUE(boolean(doc.root(), "absent", true));
}

TEST(JsonDocument, RefusesWhatIsNoObject) {
    for (const char* text : {"", "[]", "1", "{", "{\"a\":}", "nonsense", "{} x"}) {
        JsonDocument doc(text);
        EXPECT_FALSE(doc.status().is_ok()) << text;
        EXPECT_TRUE(doc.root().empty());
    }
}

TEST(JsonDocument, RefusesDepthBeyondTheLimit) {
    const auto nested = [](int depth) {
        return "{\"a\":" + std::string(static_cast<std::size_t>(depth) - 1, '[') +
               std::string(static_cast<std::size_t>(depth) - 1, ']') + "}";
    };
    EXPECT_TRUE(JsonDocument(nested(32)).status().is_ok());
    EXPECT_EQ(JsonDocument(nested(33)).status().message(), "nested deeper than 32 (server.max_json_depth)");

    spi::Counter refused;
    sdk::InputLimit& limit = sdk::input_limits().json_depth;
    limit.set(8, &refused);
    EXPECT_TRUE(JsonDocument(nested(8)).status().is_ok());
    EXPECT_EQ(JsonDocument(nested(9)).status().message(), "nested deeper than 8 (server.max_json_depth)");
    EXPECT_EQ(refused.value(), 1u);
    EXPECT_TRUE(JsonDocument(nested(9), JsonDocument::Stored()).status().is_ok()) << "it was taken before";
    EXPECT_FALSE(JsonDocument(nested(257), JsonDocument::Stored()).status().is_ok());
    EXPECT_EQ(refused.value(), 1u);
    limit.set(32, nullptr);
}

TEST(JsonDocument, ManyConvertedNumbersKeepTheirViews) {
    std::string text = "{";
    for (int i = 0; i < 200; ++i) {
        text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
    }
    JsonDocument doc(text + "}");
    const std::string_view first = doc.text("k0");
    for (int i = 1; i < 200; ++i) {
        EXPECT_EQ(doc.text("k" + std::to_string(i)), std::to_string(i));
    }
    EXPECT_EQ(first, "0");
}

TEST(JsonDocument, WhatIsNoFiniteNumberIsNone) {
    const JsonDocument doc(R"({"nan":0e999,"infinite":1e999,"large":1e300})");
    ASSERT_TRUE(doc.status());
    EXPECT_EQ(number(doc.root(), "nan", 1), std::nullopt);
    EXPECT_EQ(number(doc.root(), "infinite", 1), std::nullopt);
    EXPECT_EQ(integer(doc.root(), "nan", 1), std::nullopt);
    EXPECT_EQ(integer(doc.root(), "infinite", 1), std::nullopt);
    EXPECT_EQ(integer(doc.root(), "large", 1), std::nullopt);
}

}  // namespace
}  // namespace pharos::protocol
