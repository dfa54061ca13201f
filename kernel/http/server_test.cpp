#include "http/server.hpp"

#include <gmock/gmock.h>

#include "http/test_client.hpp"

namespace pharos::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string kGet = "GET /nacos/echo?a=1 HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kPost = "POST /nacos/echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
const std::string kChunked =
    "POST /nacos/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";

TEST_F(ServerTest, AnswersAndKeepsAlive) {
    run();
    TestClient client(port);
    for (int i = 0; i < 3; ++i) {
        const std::string reply = client.ask(kGet);
        EXPECT_THAT(reply, HasSubstr("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n"));
        EXPECT_THAT(reply, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
        EXPECT_EQ("GET /nacos/echo?a=1|", body_of(reply));
    }
    EXPECT_EQ(1u, server->connections());
    EXPECT_THAT(metrics.exposition(), HasSubstr("pharos_http_requests_total{server=\"http\",status=\"2xx\"} 3"));
}

TEST_F(ServerTest, BytesMayComeInAnyPieces) {
    run();
    TestClient client(port);
    for (const std::string& request : {kGet, kPost, kChunked}) {
        for (std::size_t cut = 1; cut < request.size(); ++cut) {
            client.send(request.substr(0, cut));
            std::this_thread::sleep_for(500us);
            EXPECT_EQ("200", status_of(client.ask(request.substr(cut)))) << cut;
        }
    }
}

TEST_F(ServerTest, PipelinedRepliesKeepTheirOrder) {
    run();
    TestClient client(port);
    std::string all;
    for (int i = 0; i < 500; ++i) {
        all += "GET /nacos/echo?n=" + std::to_string(i) + " HTTP/1.1\r\n\r\n" + kPost;
    }
    client.send(all);
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ("GET /nacos/echo?n=" + std::to_string(i) + "|", body_of(client.reply()));
        ASSERT_EQ("POST /nacos/echo?|abc", body_of(client.reply()));
    }
}

TEST_F(ServerTest, ConnectionSemantics) {
    run();
    TestClient old(port);
    EXPECT_THAT(old.ask("GET /nacos/echo HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(old.at_end());
    TestClient kept(port);
    EXPECT_THAT(kept.ask("GET /nacos/echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_EQ("200", status_of(kept.ask(kGet)));
    EXPECT_THAT(kept.ask("GET /nacos/echo HTTP/1.1\r\nConnection: close\r\n\r\n"), HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(kept.at_end());
    TestClient half(port);
    half.send(kGet);
    half.half_close();
    EXPECT_EQ("200", status_of(half.reply()));
    EXPECT_TRUE(half.at_end());
}

TEST_F(ServerTest, HeadHasLengthAndNoBody) {
    run();
    TestClient client(port);
    client.send("HEAD /nacos/echo?a=1 HTTP/1.1\r\n\r\n");
    const std::string reply = client.reply(true);
    EXPECT_THAT(reply, HasSubstr("Content-Length: 21\r\n"));
    EXPECT_THAT(client.ask(kGet), testing::StartsWith("HTTP/1.1 200")) << "no body bytes may be in between";
}

TEST_F(ServerTest, Continues) {
    run();
    TestClient client(port);
    EXPECT_THAT(client.ask("POST /nacos/echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
                testing::StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
    EXPECT_EQ("POST /nacos/echo?|abc", body_of(client.ask("abc")));
}

TEST_F(ServerTest, UnknownPathsAndMethods) {
    run();
    TestClient client(port);
    const std::string missing = client.ask("GET /nacos/x?y HTTP/1.1\r\n\r\n");
    EXPECT_EQ("404", status_of(missing));
    EXPECT_THAT(missing, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(
        body_of(missing),
        HasSubstr(R"(,"status":404,"error":"Not Found","message":"No endpoint GET /nacos/x.","path":"/nacos/x"})"));
    EXPECT_THAT(body_of(missing), HasSubstr("+00:00\""));
    const std::string wrong = client.ask("DELETE /nacos/echo HTTP/1.1\r\n\r\n");
    EXPECT_EQ("405", status_of(wrong));
    EXPECT_THAT(wrong, HasSubstr("Allow: GET, POST\r\n"));
    EXPECT_THAT(wrong, HasSubstr("Method 'DELETE' is not supported."));
    EXPECT_EQ("405", status_of(client.ask("TRACE /nacos/echo HTTP/1.1\r\n\r\n")));
}

TEST_F(ServerTest, MutatedPathsReachNothingElse) {
    run();
    TestClient client(port);
    const auto ask = [&](const std::string& path) { return client.ask("GET " + path + " HTTP/1.1\r\n\r\n"); };
    for (const char* path : {"//nacos//echo", "/nacos/echo/", "/nacos;v=1/echo;x", "/nacos/%65cho",
                             "/a/../nacos/./echo", "/nacos/%2e/echo", "http://any/nacos/echo"}) {
        EXPECT_EQ("GET /nacos/echo?|", body_of(ask(path))) << path;
    }
    for (const char* path : {"/nacos/ECHO", "/NACOS/echo", "/nacos/echo/x", "/nacos/echox", "/echo", "/nacos/%2565cho",
                             "/nacos/echo%20", "/nacos/echo%3b", "/nacos/echo.json"}) {
        EXPECT_EQ("404", status_of(ask(path))) << path;
    }
    for (const char* path : {"/nacos%2fecho", "/nacos/echo%00", "/nacos%5cecho", "/nacos/echo%", "/../nacos/echo",
                             "/nacos/%2e%2e/%2e%2e/nacos/echo", "/nacos/echo%0d%0a"}) {
        EXPECT_EQ("400", status_of(ask(path))) << path;
    }
}

TEST_F(ServerTest, MalformedIsAnsweredAndClosed) {
    run();
    for (const char* bytes : {"GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n", "\x16\x03\x01\x01\x01",
                              "POST /nacos/echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        TestClient client(port);
        const std::string reply = client.ask(bytes);
        EXPECT_EQ("400", status_of(reply)) << bytes;
        EXPECT_THAT(reply, HasSubstr("Connection: close\r\n"));
        client.half_close();
        EXPECT_TRUE(client.at_end());
    }
}

TEST_F(ServerTest, Limits) {
    run({.limits = {.header_bytes = 1024, .headers = 10, .body_bytes = 1000}});
    TestClient body(port);
    EXPECT_EQ("413", status_of(body.ask("POST /nacos/echo HTTP/1.1\r\nContent-Length: 1001\r\n\r\n")));
    TestClient sending(port);
    sending.send("POST /nacos/echo HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" + std::string(1'000'000, 'x'));
    EXPECT_EQ("413", status_of(sending.reply())) << "must arrive although the client is still sending";
    TestClient header(port);
    EXPECT_EQ("431", status_of(header.ask("GET /nacos/echo HTTP/1.1\r\na: " + std::string(1500, 'x') + "\r\n\r\n")));
}

TEST_F(ServerTest, BigBodies) {
    run();
    TestClient client(port);
    const std::string big(5'000'000, 'b');
    std::thread sender([&] {
        client.send("POST /nacos/echo HTTP/1.1\r\nContent-Length: " + std::to_string(big.size()) + "\r\n\r\n" + big);
    });
    EXPECT_EQ("POST /nacos/echo?|" + big, body_of(client.reply()));
    sender.join();
    EXPECT_EQ("200", status_of(client.ask(kGet)));
}

TEST_F(ServerTest, TimeoutsCloseTheSlow) {
    run({.idle_timeout = 0s, .header_timeout = 0s, .body_timeout = 0s});
    TestClient idle(port);
    TestClient header(port);
    header.send("GET /nacos");
    TestClient body(port);
    body.send("POST /nacos/echo HTTP/1.1\r\nContent-Length: 3\r\n\r\na");
    EXPECT_TRUE(idle.at_end());
    EXPECT_EQ("408", status_of(header.reply()));
    EXPECT_EQ("408", status_of(body.reply()));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(ServerTest, SlowReadersAreBoundedAndClosed) {
    std::atomic<int> calls{0};
    const std::string big(1 << 20, 'x');
    add(spi::HttpMethod::kGet, "/big", [&](const spi::HttpRequest&, spi::HttpResponder responder) {
        ++calls;
        const spi::Piece body(big);
        responder.send({.body = {&body, 1}});
    });
    run({.stall_timeout = 1s});
    TestClient client(port, 4096);
    for (int i = 0; i < 50; ++i) {
        client.send("GET /nacos/big HTTP/1.1\r\n\r\n");
    }
    EXPECT_TRUE(eventually([&] { return server->connections() == 1; }));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_LT(calls, 20) << "no request may be served while its predecessor's reply is stuck";
    EXPECT_THAT(metrics.exposition(), HasSubstr("reason=\"write_stalled\"} 1"));
}

TEST_F(ServerTest, HandlersCantSplitReplies) {
    add(spi::HttpMethod::kGet, "/h", [](const spi::HttpRequest&, spi::HttpResponder responder) {
        const spi::HttpHeader headers[] = {{"Good", "1"}, {"Bad", "1\r\nEvil: 2"}};
        responder.send({.status = 302, .headers = headers});
    });
    run();
    TestClient client(port);
    const std::string reply = client.ask("GET /nacos/h HTTP/1.1\r\n\r\n");
    EXPECT_THAT(reply, testing::StartsWith("HTTP/1.1 302 Found\r\n"));
    EXPECT_THAT(reply, HasSubstr("Good: 1\r\n"));
    EXPECT_THAT(reply, Not(HasSubstr("Evil")));
}

TEST_F(ServerTest, ThrownOrDroppedAnswers500) {
    add(spi::HttpMethod::kGet, "/drop", [](const spi::HttpRequest&, spi::HttpResponder) {});
    add(spi::HttpMethod::kGet, "/throw", [](const spi::HttpRequest&, spi::HttpResponder) { throw 1; });
    run();
    TestClient client(port);
    EXPECT_EQ("500", status_of(client.ask("GET /nacos/drop HTTP/1.1\r\n\r\n")));
    EXPECT_EQ("500", status_of(client.ask("GET /nacos/throw HTTP/1.1\r\n\r\n")));
    EXPECT_EQ("200", status_of(client.ask(kGet)));
}

class OneToken final : public spi::AuthProvider {
public:
    bool decides_by_resource() const noexcept override { return false; }
    spi::Result<spi::Principal> authenticate(const Identity& identity) const noexcept override {
        if (identity.get("accessToken") == "a b") {
            return spi::Principal{"me"};
        }
        return spi::Status(spi::Code::kDenied, "Code: 401, Message: token invalid!.");
    }
    spi::Status authorize(const spi::Principal&, spi::Action, std::string_view,
                          const spi::Resource&) const noexcept override {
        return {};
    }
};

TEST_F(ServerTest, FiltersByIdentity) {
    const OneToken provider;
    filter.use(&provider);
    add(spi::HttpMethod::kGet, "/who", [](const spi::HttpRequest& request, spi::HttpResponder responder) {
        const spi::Piece body(request.principal->name);
        responder.send({.body = {&body, 1}});
    });
    run();
    TestClient client(port);
    const std::string denied = client.ask("GET /nacos/who HTTP/1.1\r\n\r\n");
    EXPECT_EQ("403", status_of(denied));
    EXPECT_THAT(denied, HasSubstr(R"("error":"Forbidden","message":"Code: 401, Message: token invalid!.")"));
    EXPECT_EQ("me", body_of(client.ask("GET /nacos/who HTTP/1.1\r\nACCESSTOKEN: a b\r\n\r\n")));
    EXPECT_EQ("me", body_of(client.ask("GET /nacos/who?x=1&accessToken=a+b HTTP/1.1\r\n\r\n")));
    EXPECT_EQ("200", status_of(client.ask("POST /nacos/echo HTTP/1.1\r\nContent-Length: 17\r\nContent-Type: "
                                          "application/x-www-form-urlencoded\r\n\r\naccessToken=a%20b")));
}

}  // namespace
}  // namespace pharos::http
