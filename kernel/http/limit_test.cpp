// What the load control does to requests.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>

#include "http/test_client.hpp"

namespace pharos::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Answers what the test has set, in the order of the requests; then it admits.
class FakePoint final : public spi::LimitPoint {
public:
    spi::Verdict admit(const spi::LimitedCaller& caller) noexcept override {
        std::lock_guard lock(mutex_);
        asked_.push_back(std::string(caller.client_ip) + ' ' + std::string(caller.app));
        if (next_.empty()) {
            return {};
        }
        spi::Verdict verdict = std::move(next_.front());
        next_.erase(next_.begin());
        return verdict;
    }
    void say(spi::Verdict verdict) {
        std::lock_guard lock(mutex_);
        next_.push_back(std::move(verdict));
    }
    std::vector<std::string> asked() {
        std::lock_guard lock(mutex_);
        return asked_;
    }

private:
    std::mutex mutex_;
    std::vector<spi::Verdict> next_;
    std::vector<std::string> asked_;
};

class OnePoint final : public spi::LoadControl {
public:
    spi::LimitPoint* point(std::string_view name) noexcept override { return name == "Point" ? &limited : nullptr; }
    spi::Status admit_connection(const spi::LimitedCaller&, std::size_t) noexcept override { return {}; }
    FakePoint limited;
};

class LimitTest : public ServerTest {
protected:
    void run_limited(ServerSettings settings = {}) {
        for (const spi::HttpMethod method : {spi::HttpMethod::kGet, spi::HttpMethod::kPost}) {
            spi::HttpRoute route{method, "/limited", {spi::Action::kRead, "test"}};
            route.access.limit_point = "Point";
            auto added = router.add(route, [this](const spi::HttpRequest& request, spi::HttpResponder responder) {
                ++handled;
                echo(request, std::move(responder));
            });
            registrations.push_back(std::move(added.value()));
        }
        router.use(&control);
        run(settings);
    }
    ~LimitTest() override { stop(); }

    spi::Verdict refusal(spi::Duration delay) const {
        return {spi::Status(spi::Code::kUnavailable, "tps over limit :5"), delay};
    }

    OnePoint control;
    std::atomic<int> handled{0};
};

const std::string kLimited = "GET /nacos/limited?a HTTP/1.1\r\nClient-AppName: shop\r\n\r\n";
const std::string kEcho = "GET /nacos/echo HTTP/1.1\r\n\r\n";

TEST_F(LimitTest, OnlyRoutesThatNameThePointAreLimited) {
    run_limited();
    control.limited.say(refusal(0s));
    TestClient client(port);
    EXPECT_EQ("GET /nacos/echo?|", body_of(client.ask(kEcho)));
    EXPECT_TRUE(control.limited.asked().empty());
    const std::string refused = client.ask(kLimited);
    EXPECT_EQ("503", status_of(refused));
    EXPECT_EQ("tps over limit :5", body_of(refused));
    EXPECT_EQ("GET /nacos/limited?a|", body_of(client.ask(kLimited)));
    EXPECT_EQ(std::vector<std::string>(2, "127.0.0.1 shop"), control.limited.asked());
}

TEST_F(LimitTest, ARefusalWaitsAndTheConnectionGoesOn) {
    run_limited();
    control.limited.say(refusal(150ms));
    TestClient client(port);
    const auto began = std::chrono::steady_clock::now();
    client.send(kLimited + kEcho);
    const std::string refused = client.reply();
    EXPECT_GE(std::chrono::steady_clock::now() - began, 150ms);
    EXPECT_EQ("503", status_of(refused));
    EXPECT_EQ("GET /nacos/echo?|", body_of(client.reply())) << "what was pipelined comes after";
    EXPECT_EQ(0, handled);
    EXPECT_EQ(0u, server->held());
}

TEST_F(LimitTest, ADelayedRequestIsHandledOnceWithAllOfIt) {
    run_limited();
    TestClient client(port);
    const std::string body(100'000, 'b');
    for (const bool in_pieces : {false, true}) {
        control.limited.say({{}, 100ms});
        const auto began = std::chrono::steady_clock::now();
        const std::string request = "POST /nacos/limited HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + body + kEcho;
        if (in_pieces) {
            client.send(request.substr(0, 70));
            client.send(request.substr(70));
        } else {
            client.send("POST /nacos/limited HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n" + body +
                        "\r\n0\r\n\r\n" + kEcho);
        }
        EXPECT_EQ("POST /nacos/limited?|" + body, body_of(client.reply()));
        EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms);
        EXPECT_EQ("GET /nacos/echo?|", body_of(client.reply()));
    }
    control.limited.say({{}, 20ms});
    EXPECT_EQ("POST /nacos/limited?|small",
              body_of(client.ask("POST /nacos/limited HTTP/1.1\r\nContent-Length: 5\r\n\r\nsmall")));
    EXPECT_EQ(3, handled);
    EXPECT_EQ(3u, control.limited.asked().size()) << "not limited again after its delay";
}

TEST_F(LimitTest, NothingIsReadMeanwhile) {
    run_limited();
    control.limited.say({{}, 10s});
    TestClient client(port);
    client.send(kLimited + kLimited);
    ASSERT_TRUE(eventually([&] { return server->held() == 1; }));
    client.send(kLimited);
    TestClient other(port);
    EXPECT_EQ("200", status_of(other.ask(kLimited)));
    EXPECT_EQ(2u, control.limited.asked().size()) << "those behind the one that waits wait too";
    EXPECT_EQ(1u, server->held());
}

TEST_F(LimitTest, WhoLeavesMeanwhileLeavesNothingBehind) {
    run_limited();
    control.limited.say({{}, 100ms});
    control.limited.say(refusal(100ms));
    for (int i = 0; i < 2; ++i) {
        TestClient client(port);
        client.send(kLimited);
        ASSERT_TRUE(eventually([&] { return control.limited.asked().size() == static_cast<std::size_t>(i) + 1; }));
    }
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_EQ(0u, server->held());
}

TEST_F(LimitTest, WhoWaitsIsNoLongPoll) {
    run_limited();
    control.limited.say({{}, 10s});
    std::optional<spi::HttpResponder> held;
    add(spi::HttpMethod::kGet, "/hold",
        [&held](const spi::HttpRequest&, spi::HttpResponder responder) { held.emplace(std::move(responder)); });
    TestClient client(port);
    client.send(kLimited);
    TestClient poll(port);
    poll.send("GET /nacos/hold HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return server->held() == 2; }));
    EXPECT_EQ(1u, server->long_polls());
    stop();
    EXPECT_EQ(0u, server->long_polls());
}

TEST_F(LimitTest, AStopRunsNothingThatWaits) {
    run_limited();
    control.limited.say({{}, 10s});
    control.limited.say(refusal(10s));
    TestClient admitted(port);
    admitted.send(kLimited);
    TestClient refused(port);
    refused.send(kLimited);
    ASSERT_TRUE(eventually([&] { return server->held() == 2; }));
    server->stop(50ms);
    EXPECT_TRUE(admitted.at_end());
    EXPECT_TRUE(refused.at_end());
    EXPECT_EQ(0u, server->held());
    EXPECT_EQ(0, handled);
}

TEST_F(LimitTest, AStopWithGraceLetsWhatWaitsBeServed) {
    run_limited();
    control.limited.say({{}, 500ms});
    TestClient client(port);
    client.send(kLimited);
    ASSERT_TRUE(eventually([&] { return server->held() == 1; }));
    server->stop(5s);
    const std::string reply = client.reply();
    EXPECT_EQ("GET /nacos/limited?a|", body_of(reply));
    EXPECT_THAT(reply, HasSubstr("Connection: close"));
    EXPECT_EQ(1, handled);
}

TEST_F(LimitTest, WhatWaitsIsBounded) {
    ServerSettings settings;
    settings.max_held = 1;
    run_limited(settings);
    control.limited.say({{}, 2s});
    control.limited.say({{}, 2s});
    TestClient first(port);
    first.send(kLimited);
    ASSERT_TRUE(eventually([&] { return server->held() == 1; }));
    TestClient second(port);
    EXPECT_THAT(second.ask(kLimited), HasSubstr("Too many requests are waiting for their answers"));
    EXPECT_EQ("200", status_of(first.reply()));
}

TEST_F(LimitTest, RoutesThatComeLaterAreLimitedAndNoneAfterTheProvidersEnd) {
    router.use(&control);
    run_limited();
    control.limited.say(refusal(0s));
    TestClient client(port);
    EXPECT_EQ("503", status_of(client.ask(kLimited)));
    control.limited.say(refusal(0s));
    router.use(nullptr);
    EXPECT_EQ("200", status_of(client.ask(kLimited)));
}

}  // namespace
}  // namespace pharos::http
