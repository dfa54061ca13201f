#include <gtest/gtest.h>

#include <pharos/protocol/params.hpp>

namespace pharos::protocol {
namespace {

TEST(Params, QueryComesBeforeFormAndBothAreDecoded) {
    Params params("a=1&b=x%20y&c=p+q", "a=2&d=%E4%B8%AD");
    EXPECT_EQ(params.get("a"), "1");
    EXPECT_EQ(params.get("b"), "x y");
    EXPECT_EQ(params.get("c"), "p q");
    EXPECT_EQ(params.get("d"), "中");
    EXPECT_FALSE(params.find("e"));
    EXPECT_EQ(params.get_or("e", "z"), "z");
}

TEST(Params, AFormBodyIsReadOnlyWhenTheHeaderSaysSo) {
    const spi::HttpHeader form[] = {{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}};
    const spi::HttpHeader json[] = {{"Content-Type", "application/json"}};
    spi::HttpRequest request;
    request.body = "a=1";
    request.headers = form;
    EXPECT_EQ(Params(request).get("a"), "1");
    request.headers = json;
    EXPECT_FALSE(Params(request).find("a"));
}

// Go's 1.x client sends PUT bodies unencoded (`protocol/naming.md §11`, trap 34).
TEST(Params, TakesUnencodedBeats) {
    Params params("", R"(beat={"ip":"1.1.1.1","metadata":{"a":"50%"}}&x=%zz)");
    EXPECT_EQ(params.get("beat"), R"({"ip":"1.1.1.1","metadata":{"a":"50%"}})");
    EXPECT_EQ(params.get("x"), "%zz");
}

TEST(Params, OddPairs) {
    Params params("&&a&=b&c==d&", "");
    EXPECT_EQ(params.find("a"), std::optional<std::string_view>(""));
    EXPECT_EQ(params.get(""), "b");
    EXPECT_EQ(params.get("c"), "=d");
}

std::string pairs(std::size_t count) {
    std::string query;
    for (std::size_t i = 0; i < count; ++i) {
        query += "k" + std::to_string(i) + "=1&";
    }
    return query;
}

TEST(Params, TakesABoundedNumberOfPairs) {
    const std::string most = pairs(1024);
    const std::string some = pairs(1000);
    const std::string few = pairs(24);
    EXPECT_FALSE(Params(most, "").overflowed());
    EXPECT_FALSE(Params(some, few).overflowed());
    const Params params(most, few);
    EXPECT_TRUE(params.overflowed());
    EXPECT_TRUE(params.find("k1023"));
    EXPECT_FALSE(params.find("k1024"));
}

TEST(Params, FilesOfAMultipartBodyCount) {
    const spi::HttpHeader type[] = {{"Content-Type", "multipart/form-data; boundary=b"}};
    const auto overflows = [&type](int files) {
        std::string body;
        for (int i = 0; i < files; ++i) {
            body += "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nx\r\n";
        }
        body += "--b\r\nContent-Disposition: form-data; name=\"last\"\r\n\r\ny\r\n--b--\r\n";
        spi::HttpRequest request;
        request.body = body;
        request.headers = type;
        const Params params(request);
        EXPECT_NE(params.overflowed(), params.find("last").has_value());
        return params.overflowed();
    };
    EXPECT_FALSE(overflows(1023));
    EXPECT_TRUE(overflows(1024));
    EXPECT_TRUE(overflows(3000));
}

TEST(Params, TheLimitIsTheNodesAndRefusalsAreCounted) {
    spi::Counter refused;
    sdk::InputLimit& limit = sdk::input_limits().parameters;
    limit.set(3, &refused);
    EXPECT_FALSE(Params("a=1&b=2", "c=3").overflowed());
    EXPECT_TRUE(Params("a=1&b=2", "c=3&d=4").overflowed());
    EXPECT_EQ(Params::refuse_overflow(), "the request has more than 3 parameters (http.max_parameters)");
    EXPECT_EQ(refused.value(), 1u);
    limit.set(1024, nullptr);
}

TEST(Uri, EncodesAllButUnreserved) {
    EXPECT_EQ(encode_uri("a.json\x02G1\x02public\x01"), "a.json%02G1%02public%01");
    EXPECT_EQ(encode_uri("中 +"), "%E4%B8%AD%20%2B");
}

// `protocol/naming.md §0`: v1 knows words only; v2 and v3 refuse what they do not know.
TEST(Booleans, OfBothGenerations) {
    for (const char* word : {"true", "True", "on", "YES", "y", "t"}) {
        EXPECT_TRUE(word_is_true(word)) << word;
    }
    for (const char* word : {"1", "false", "0", "", "trueish"}) {
        EXPECT_FALSE(word_is_true(word)) << word;
    }
    EXPECT_EQ(truth_of("1"), true);
    EXPECT_EQ(truth_of("Off"), false);
    EXPECT_EQ(truth_of("y"), std::nullopt);
}

TEST(Numbers, TheWholeTextCounts) {
    EXPECT_EQ(whole_number("-12"), -12);
    EXPECT_EQ(whole_number("12x"), std::nullopt);
    EXPECT_EQ(whole_number(""), std::nullopt);
    EXPECT_EQ(decimal_number("0.5"), 0.5);
    EXPECT_EQ(decimal_number("inf"), std::nullopt);
}

}  // namespace
}  // namespace pharos::protocol
