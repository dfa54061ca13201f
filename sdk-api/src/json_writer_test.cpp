#include <gtest/gtest.h>

#include <limits>
#include <string>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::sdk {
namespace {

std::string quoted(std::string_view text) {
    std::string out;
    JsonWriter::append_quoted(out, text);
    return out;
}

std::string number(double value) {
    std::string out;
    JsonWriter::append_double(out, value);
    return out;
}

TEST(JsonWriter, PutsCommasBetweenMembersAndElements) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("a", 1).member("b", "x").key("c").begin_array();
    json.value(true).null().begin_object().end_object();
    json.end_array().member("d", std::string("y")).end_object();
    EXPECT_EQ(out, R"({"a":1,"b":"x","c":[true,null,{}],"d":"y"})");
}

TEST(JsonWriter, EscapesWhatJsonDemandsAndNothingElse) {
    EXPECT_EQ(quoted("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(quoted("\n\r\t\b\f"), R"("\n\r\t\b\f")");
    EXPECT_EQ(quoted(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
    EXPECT_EQ(quoted("中/€\x7f"), "\"中/€\x7f\"");
    EXPECT_EQ(quoted(""), R"("")");
}

TEST(JsonWriter, DoublesAlwaysHaveAFractionOrExponent) {
    EXPECT_EQ(number(1), "1.0");
    EXPECT_EQ(number(0), "0.0");
    EXPECT_EQ(number(0.1), "0.1");
    EXPECT_EQ(number(1e300), "1e+300");
    EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "0.0");
}

TEST(JsonWriter, WritesTheLimitsOfIntegers) {
    std::string out;
    JsonWriter(out)
        .begin_array()
        .value(std::numeric_limits<std::int64_t>::min())
        .value(std::numeric_limits<std::uint64_t>::max())
        .end_array();
    EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615]");
}

}  // namespace
}  // namespace pharos::sdk
