#include <gtest/gtest.h>

#include <string>

#include "api_http/reader.hpp"

namespace pharos::naming {
namespace {

using protocol::Params;

// `protocol/naming.md §0.2`, row "Missing declared param".
TEST(Reader, WhatIsMissingIsToldInFourWays) {
    const Params none("", "");
    const auto told = [&](Generation generation, Reader::Missing missing) {
        Reader reader(none, generation, missing);
        reader.required("port", "Integer");
        EXPECT_EQ(reader.failure().status, 400);
        return reader.failure().message;
    };
    EXPECT_EQ(told(Generation::kV1, Reader::Missing::kRead), "Param 'port' is required.");
    EXPECT_EQ(told(Generation::kV1, Reader::Missing::kDeclared), "Parameter 'port' is missing");
    EXPECT_EQ(told(Generation::kV2, Reader::Missing::kRead), "Required parameter 'port' type Integer is not present");
    EXPECT_EQ(told(Generation::kV3, Reader::Missing::kDeclared),
              "Required request parameter 'port' for method parameter type Integer is not present");
}

// `protocol/naming.md §0`: healthyOnly and its like are parsed as plain "true" in v1.
TEST(Reader, PlainTruth) {
    const Params params("a=True&b=yes&c=1", "");
    Reader v1(params, Generation::kV1);
    EXPECT_TRUE(v1.plain_truth("a", false));
    EXPECT_FALSE(v1.plain_truth("b", true));
    EXPECT_TRUE(v1.plain_truth("absent", true));
    Reader v2(params, Generation::kV2);
    EXPECT_TRUE(v2.plain_truth("b", false));
    EXPECT_TRUE(v2.plain_truth("c", false));
}

TEST(Reader, NumbersHave32Bits) {
    const Params params("a=2147483647&b=2147483648&c=abc", "");
    Reader fits(params, Generation::kV1);
    EXPECT_EQ(fits.whole("a", 1), 2147483647);
    EXPECT_FALSE(fits.refused());
    Reader v1(params, Generation::kV1);
    v1.whole("c", 1);
    EXPECT_EQ(v1.failure().message, "For input string: \"abc\"");
    EXPECT_EQ(v1.failure().status, 400);
    Reader v2(params, Generation::kV2);
    v2.whole("b", 1);
    EXPECT_EQ(v2.failure().status, 500);
}

TEST(Reader, TheEarliestStageIsToldAndOfOneStageTheFirst) {
    const Params params("n=x", "");
    Reader reader(params, Generation::kV2);
    reader.required("first");
    reader.required("second");
    EXPECT_EQ(reader.failure().message, "Required parameter 'first' type String is not present");
    reader.whole("n", 0);
    EXPECT_EQ(reader.failure().stage, Failure::Stage::kConversion);
    reader.check("wrong");
    reader.check("wrong again");
    EXPECT_EQ(reader.failure().message, "wrong");
    EXPECT_EQ(reader.failure().stage, Failure::Stage::kCheck);
}

TEST(Reader, TooManyParametersAreRefused) {
    std::string query = "serviceName=s1";
    for (std::size_t i = 0; i < sdk::input_limits().parameters.most(); ++i) {
        query += "&x=1";
    }
    const Params params(query, "");
    const Reader reader(params, Generation::kV1);
    ASSERT_TRUE(reader.refused());
    EXPECT_EQ(reader.failure().message, "the request has more than 1024 parameters (http.max_parameters)");
}

// `protocol/naming.md §2.6`
TEST(Reader, PagesBeginAtOne) {
    const Params params("pageNo=0", "");
    Reader reader(params, Generation::kV3);
    const protocol::PageRequest page = reader.page({});
    EXPECT_EQ(page.size, 100);
    EXPECT_EQ(reader.failure().message, "Required parameter 'pageNo' should be positive integer, current is 0");
    EXPECT_EQ(reader.failure().code, protocol::ErrorCode::kParameterValidateError);
}

}  // namespace
}  // namespace pharos::naming
