#include <gtest/gtest.h>

#include <string>

#include <pharos/protocol/replies.hpp>

namespace pharos::protocol {
namespace {

/// Keeps what a handler answers.
class Recorder final : public spi::HttpExchange, public spi::RpcExchange {
public:
    void send(const spi::HttpReply& reply) noexcept override {
        status = reply.status;
        type = reply.content_type;
        for (const spi::Piece& piece : reply.body) {
            body += piece.text;
        }
    }
    void send(std::string_view payload_type, spi::Pieces pieces) noexcept override {
        type = payload_type;
        for (const spi::Piece& piece : pieces) {
            body += piece.text;
        }
    }
    void on_abandoned(spi::Task) noexcept override {}
    void release() noexcept override {}

    int status = 0;
    std::string type;
    std::string body;
};

spi::HttpResponder http(Recorder& recorder) { return spi::HttpResponder(static_cast<spi::HttpExchange*>(&recorder)); }
spi::RpcResponder rpc(Recorder& recorder) { return spi::RpcResponder(static_cast<spi::RpcExchange*>(&recorder)); }

// Known answers: `protocol/naming.md §0.2, §10` and `protocol/config.md §3.9`.
TEST(Replies, ShapesOfEveryGeneration) {
    Recorder result;
    reply_result(http(result), "\"ok\"");
    EXPECT_EQ(result.body, R"({"code":0,"message":"success","data":"ok"})");

    Recorder error;
    reply_result_error(http(error), 404, ErrorCode::kResourceNotFound, "config data not exist");
    EXPECT_EQ(error.body, R"({"code":20004,"message":"resource not found","data":"config data not exist"})");
    EXPECT_EQ(error.status, 404);

    Recorder rest;
    reply_rest_result(http(rest), "[]");
    EXPECT_EQ(rest.body, R"({"code":200,"message":null,"data":[],"noRight":false})");

    Recorder missing;
    reply_missing_parameter(http(missing), "ip");
    EXPECT_EQ(
        missing.body,
        R"({"code":10000,"message":"parameter missing","data":"Required parameter 'ip' type String is not present"})");

    Recorder failure;
    reply_result_failure(http(failure), "m");
    EXPECT_EQ(failure.body, R"({"code":30000,"message":"m","data":null})");
    EXPECT_EQ(failure.status, 500);

    Recorder rest_failure;
    reply_rest_failure(http(rest_failure), 405, "m");
    EXPECT_EQ(rest_failure.body, R"({"code":405,"message":"m","data":null,"noRight":false})");
    EXPECT_EQ(rest_failure.status, 200);

    Recorder servlet;
    reply_servlet_error(http(servlet), 400, "m", "/nacos/v1/ns/instance", 1767225600000);
    EXPECT_EQ(servlet.body, R"({"timestamp":"2026-01-01T00:00:00.000+00:00","status":400,"error":"Bad Request",)"
                            R"("message":"m","path":"/nacos/v1/ns/instance"})");

    Recorder check;
    reply_check_failed(http(check), "Param 'cluster' is illegal, illegal characters should not appear in the param.");
    EXPECT_EQ(check.body, "Param 'cluster' is illegal, illegal characters should not appear in the param.\r\n");
    EXPECT_EQ(check.type, "");
}

TEST(Replies, RpcErrors) {
    Recorder unsupported;
    reply_rpc_failure(rpc(unsupported), 400, "Unsupported request type xx");
    EXPECT_EQ(unsupported.type, "ErrorResponse");
    EXPECT_EQ(unsupported.body,
              R"({"resultCode":400,"errorCode":400,"message":"Unsupported request type xx","success":false})");

    Recorder check;
    reply_rpc_check_failed(rpc(check), "InstanceResponse",
                           "Param 'serviceName' is illegal, illegal characters should not appear in the param.");
    EXPECT_EQ(check.type, "InstanceResponse");
    EXPECT_EQ(check.body, R"({"resultCode":500,"errorCode":400,"message":"Param check invalid:Param 'serviceName' is )"
                          R"(illegal, illegal characters should not appear in the param.","success":false})");
}

TEST(Replies, Times) {
    EXPECT_EQ(iso_time(1795402384342), "2026-11-23T02:53:04.342+00:00");
    EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(http_date(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace pharos::protocol
