#include "net/http_call.hpp"

#include "net/test_support.hpp"

namespace pharos::net {
namespace {

using namespace std::chrono_literals;

class HttpCallTest : public testing::Test {
protected:
    void SetUp() override { io.start(); }
    void TearDown() override {
        exchanges.stop();
        io.stop();
        exchanges.stop();
    }

    spi::Result<spi::HttpAnswer> get(spi::HttpCall call) {
        Outcomes<spi::HttpAnswer> outcomes;
        http_get(exchanges, std::move(call), outcomes.completion());
        auto result = outcomes.one();
        EXPECT_EQ(outcomes.in_the_call, 0);
        EXPECT_TRUE(outcomes.on_a_loop);
        return result;
    }
    /// What a peer makes us believe that answers this and closes.
    spi::Result<spi::HttpAnswer> get(std::string answer, std::size_t max_body = 100) {
        Peer peer([&](int fd) {
            request = read_until(fd, "\r\n\r\n");
            write_all(fd, answer);
        });
        spi::HttpCall call;
        call.ip = "127.0.0.1";
        call.port = port = peer.port();
        call.max_body = max_body;
        call.timeout = 10s;
        return get(std::move(call));
    }

    IoThreads io{1};
    TcpExchanges exchanges{io};
    std::string request;
    std::uint16_t port = 0;
};

TEST_F(HttpCallTest, TheRequestIsWhatWasAskedFor) {
    Peer peer([&](int fd) {
        request = read_until(fd, "\r\n\r\n");
        write_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    spi::HttpCall call;
    call.ip = "127.0.0.1";
    call.port = peer.port();
    call.path = "/live?deep=1";
    call.headers = {{"User-Agent", "VIPServer"}, {"X-Key", "a b"}};
    call.timeout = 10s;
    const auto answer = get(call);
    ASSERT_TRUE(answer) << answer.error().message();
    const std::string host = "127.0.0.1:" + std::to_string(peer.port());
    EXPECT_EQ(request, "GET /live?deep=1 HTTP/1.1\r\nUser-Agent: VIPServer\r\nX-Key: a b\r\nHost: " + host +
                           "\r\nConnection: close\r\n\r\n");
    call.headers = {{"host", "orders.example"}};
    ASSERT_TRUE(get(call));
    EXPECT_EQ(request, "GET /live?deep=1 HTTP/1.1\r\nhost: orders.example\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpCallTest, AnswersOfEveryFraming) {
    const std::vector<std::pair<std::string, spi::HttpAnswer>> good = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", {200, "hello"}},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", {200, "hello"}},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", {200, "until the end"}},
        {"HTTP/1.0 503 Unavailable\r\n\r\n", {503, ""}},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/elsewhere\r\nContent-Length: 0\r\n\r\n", {302, ""}},
        {"HTTP/1.1 204 No Content\r\n\r\n", {204, ""}},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", {404, "x"}},
    };
    for (const auto& [text, wanted] : good) {
        auto answer = get(text);
        ASSERT_TRUE(answer) << text << answer.error().message();
        EXPECT_EQ(answer->status, wanted.status) << text;
        EXPECT_EQ(answer->body, wanted.body) << text;
    }
}

TEST_F(HttpCallTest, AnswersThatAreNone) {
    std::string interim;
    for (int i = 0; i < 100; ++i) {
        interim += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    const std::vector<std::pair<std::string, spi::Code>> bad = {
        {"SSH-2.0-OpenSSH_9.2\r\n", spi::Code::kInvalidArgument},
        {"HTTP/1.1 2x0 OK\r\n\r\n", spi::Code::kInvalidArgument},
        {"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", spi::Code::kInvalidArgument},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", spi::Code::kInvalidArgument},
        {interim, spi::Code::kInvalidArgument},
        {"", spi::Code::kClosed},
        {"HTTP/1.1 200", spi::Code::kClosed},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", spi::Code::kClosed},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel", spi::Code::kClosed},
        {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", spi::Code::kTooLarge},
        {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", spi::Code::kTooLarge},
        {"HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), spi::Code::kTooLarge},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x'), spi::Code::kTooLarge},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", spi::Code::kTooLarge},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'x'), spi::Code::kTooLarge},
    };
    for (const auto& [text, code] : bad) {
        auto answer = get(text);
        ASSERT_FALSE(answer) << text.substr(0, 80);
        EXPECT_EQ(answer.error().code(), code) << text.substr(0, 80) << ": " << answer.error().message();
        EXPECT_NE(answer.error().message().find("127.0.0.1:" + std::to_string(port)), std::string::npos)
            << answer.error().message();
    }
}

TEST_F(HttpCallTest, AnAnswerByteByByte) {
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    Peer peer([&](int fd) {
        const int at_once = 1;
        ::setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &at_once, sizeof at_once);
        read_until(fd, "\r\n\r\n");
        for (const char c : text) {
            write_all(fd, {&c, 1});
            std::this_thread::yield();
        }
    });
    spi::HttpCall call;
    call.ip = "127.0.0.1";
    call.port = peer.port();
    call.timeout = 10s;
    auto answer = get(std::move(call));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "hello");
}

TEST_F(HttpCallTest, WhatHttpDoesNotAllowIsNotSent) {
    Peer peer([](int fd) { write_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); });
    const auto refused = [&](const std::string& path, std::vector<std::pair<std::string, std::string>> headers) {
        spi::HttpCall call;
        call.ip = "127.0.0.1";
        call.port = peer.port();
        call.path = path;
        call.headers = std::move(headers);
        call.timeout = 10s;
        const auto answer = get(std::move(call));
        return !answer && answer.error().code() == spi::Code::kInvalidArgument;
    };
    EXPECT_TRUE(refused("", {}));
    EXPECT_TRUE(refused("live", {}));
    EXPECT_TRUE(refused("/a b", {}));
    EXPECT_TRUE(refused("/a\r\nX: y", {}));
    EXPECT_TRUE(refused("/\xc3\xa4", {}));
    EXPECT_TRUE(refused("/", {{"", "x"}}));
    EXPECT_TRUE(refused("/", {{"X Y", "x"}}));
    EXPECT_TRUE(refused("/", {{"X", "a\r\nEvil: b"}}));
    EXPECT_TRUE(refused("/", {{"X", std::string("a\0b", 3)}}));
    EXPECT_TRUE(refused("/", {{"content-length", "5"}}));
    EXPECT_TRUE(refused("/", {{"Connection", "keep-alive"}}));
    EXPECT_EQ(peer.accepted, 0);
    EXPECT_FALSE(refused("/%20", {{"X", "\xc3\xa4\tz"}}));
}

}  // namespace
}  // namespace pharos::net
