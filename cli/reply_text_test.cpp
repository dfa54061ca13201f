#include "cli/reply_text.hpp"

#include <gtest/gtest.h>

namespace pharos::cli {
namespace {

HttpReply reply(int status, std::string body) { return {.status = status, .headers = {}, .body = std::move(body)}; }

// The bodies are those of protocol/config.md §2, protocol/naming.md §0.2 and §10, protocol/core.md §3.

TEST(RefusalOf, TakesTheReasonOutOfEveryEnvelope) {
    EXPECT_EQ(
        refusal_of(reply(400, R"({"code":20002,"message":"parameter validate error","data":"content is blank : "})")),
        "content is blank :");
    EXPECT_EQ(refusal_of(reply(404, R"({"code":20004,"message":"resource not found","data":null})")),
              "resource not found");
    EXPECT_EQ(refusal_of(reply(200, R"({"code":500,"message":"no such namespace","data":null,"noRight":false})")),
              "no such namespace");
    EXPECT_EQ(refusal_of(reply(403, R"({"timestamp":"2026-01-01T00:00:00.000+00:00","status":403,"error":"Forbidden",)"
                                    R"("message":"Code: 403, Message: authorization failed!.","path":"/nacos/x"})")),
              "Code: 403, Message: authorization failed!.");
    EXPECT_EQ(refusal_of(reply(410, R"({"timestamp":"x","status":410,"error":"Gone","path":"/nacos/v1","message":)"
                                    R"("{\"code\":40000,\"message\":\"Current API will be deprecated\"}"})")),
              "Current API will be deprecated");
}

TEST(RefusalOf, TakesTheDecorationOffTexts) {
    EXPECT_EQ(refusal_of(reply(400, "caused: content is blank : ;")), "content is blank");
    EXPECT_EQ(refusal_of(reply(400,
                               "errCode: 400, errMsg: Current service G@@S is ephemeral service, can't register "
                               "persistent instance. ")),
              "Current service G@@S is ephemeral service, can't register persistent instance.");
    EXPECT_EQ(refusal_of(reply(400, "Param 'dataId' is illegal, the param length should not exceed 256.\r\n")),
              "Param 'dataId' is illegal, the param length should not exceed 256.");
    EXPECT_EQ(refusal_of(reply(400, "caused: Param &#39;x&#39; is illegal;")), "Param 'x' is illegal");
}

TEST(RefusalOf, IsNeverEmptyAndNeverAPage) {
    EXPECT_EQ(refusal_of(reply(503, "")), "HTTP 503 Service Unavailable, without a reason");
    EXPECT_EQ(refusal_of(reply(500, "false")), "HTTP 500 Internal Server Error, without a reason");
    EXPECT_EQ(refusal_of(reply(404, "<html><body>nginx</body></html>")), "HTTP 404 Not Found with a page of HTML");
    EXPECT_EQ(refusal_of(reply(500, R"({"other":1})")), "HTTP 500 Internal Server Error");
}

TEST(IsMissingCall, TellsAMissingCallFromAMissingThing) {
    const HttpReply no_endpoint = reply(
        404,
        R"({"timestamp":"x","status":404,"error":"Not Found","message":"No endpoint GET /nacos/x.","path":"/nacos/x"})");
    EXPECT_TRUE(is_missing_call(no_endpoint));
    EXPECT_FALSE(is_missing_thing(no_endpoint));
    EXPECT_TRUE(is_missing_call(reply(404, "")));
    EXPECT_TRUE(is_missing_call(reply(501, R"({"status":501,"error":"x","message":"no such api:GET:/x"})")));
    EXPECT_TRUE(is_missing_call(reply(410, R"({"status":410,"error":"Gone","message":"x"})")));
    EXPECT_TRUE(
        is_missing_call(reply(405, R"({"status":405,"error":"x","message":"Method 'POST' is not supported."})")));

    const HttpReply no_config = reply(404, "config data not exist\n");
    EXPECT_FALSE(is_missing_call(no_config));
    EXPECT_TRUE(is_missing_thing(no_config));
    const HttpReply no_service =
        reply(404, R"({"code":30000,"message":"server error","data":"service G@@S is not found!"})");
    EXPECT_FALSE(is_missing_call(no_service));
    EXPECT_TRUE(is_missing_thing(no_service));
    EXPECT_TRUE(
        is_missing_thing(reply(400, R"({"code":21008,"message":"service not exist","data":"service not found"})")));
    EXPECT_TRUE(is_missing_thing(reply(200, R"({"code":20004,"message":"resource not found","data":null})")));
    EXPECT_FALSE(is_missing_thing(reply(400, R"({"code":20002,"message":"parameter validate error","data":"x"})")));
}

TEST(IsAccessRefused, IsNotEvery403) {
    EXPECT_TRUE(
        is_access_refused(reply(403, R"({"timestamp":"x","status":403,"error":"Forbidden","message":"Code: 401"})")));
    EXPECT_TRUE(is_access_refused(reply(403, "unknown user!")));
    EXPECT_FALSE(
        is_access_refused(reply(403, R"({"code":10001,"message":"access denied","data":"Please check dataId"})")));
    EXPECT_FALSE(is_access_refused(reply(200, "")));
}

TEST(DataOf, OpensEnvelopes) {
    EXPECT_EQ(data_of(reply(200, R"({"code":0,"message":"success","data":[1]})")).value(), boost::json::value({1}));
    EXPECT_EQ(data_of(reply(200, R"({"code":200,"message":null,"data":[1],"noRight":false})")).value(),
              boost::json::value({1}));
    EXPECT_EQ(data_of(reply(200, "true")).value(), boost::json::value(true));
    // The reply to a beat has a code and is no envelope.
    EXPECT_TRUE(data_of(reply(200, R"({"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true})"))
                    .value()
                    .as_object()
                    .contains("clientBeatInterval"));
}

TEST(DataOf, FailuresHaveCodes) {
    EXPECT_EQ(data_of(reply(404, R"({"code":20004,"message":"resource not found","data":"x"})")).error().code(),
              spi::Code::kNotFound);
    EXPECT_EQ(data_of(reply(500, R"({"code":20005,"message":"resource conflict","data":"x"})")).error().code(),
              spi::Code::kConflict);
    EXPECT_EQ(data_of(reply(400, R"({"code":20002,"message":"x","data":"y"})")).error().code(), spi::Code::kDenied);
    // A failure in an envelope whose HTTP status is 200 (v1).
    EXPECT_EQ(data_of(reply(200, R"({"code":500,"message":"no","data":null,"noRight":false})")).error().message(),
              "no");
    const auto page = data_of(reply(200, "<html>hello</html>"));
    EXPECT_EQ(page.error().code(), spi::Code::kInternal);
    EXPECT_NE(page.error().message().find("<html>hello"), std::string::npos);
}

TEST(OneLine, KeepsTextOnOneLineAndWhole) {
    EXPECT_EQ(one_line("a\r\n\tb\n", 100), "a b");
    EXPECT_EQ(one_line("配置", 4), "配…");
}

}  // namespace
}  // namespace pharos::cli
