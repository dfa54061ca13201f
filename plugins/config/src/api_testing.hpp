#pragma once

#include <gmock/gmock.h>

#include <pharos/testing/fakes.hpp>

#include "api_http/config_http.hpp"
#include "api_rpc/config_rpc.hpp"

namespace pharos::config {

using namespace pharos::testing;

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Keeps the handlers, and looks at how they are added.
class FakeRoutes final : public spi::HttpRoutes, public spi::RpcMethods {
public:
    spi::Result<spi::Registration> add(const spi::HttpRoute& route, spi::HttpHandler handler) override {
        http[{route.method, std::string(route.path)}] = std::move(handler);
        EXPECT_TRUE(route.access.resource_of != nullptr || !route.access.anonymous_because.empty()) << route.path;
        EXPECT_EQ(route.access.resource_type, "config");
        return spi::Registration();
    }
    spi::Result<spi::Registration> add(const spi::RpcMethod& method, spi::RpcHandler handler) override {
        rpc[std::string(method.type)] = std::move(handler);
        EXPECT_NE(method.access.resource_of, nullptr);
        return spi::Registration();
    }
    spi::Registration ability(std::string_view) override { return {}; }

    std::map<std::pair<spi::HttpMethod, std::string>, spi::HttpHandler> http;
    std::map<std::string, spi::RpcHandler> rpc;
};

/// All calls over the real repository and a store in memory.
class ApiTest : public ::testing::Test {
protected:
    using Headers = std::vector<spi::HttpHeader>;

    void SetUp() override {
        ASSERT_TRUE(repository_.start(store_, [this](const std::string& key) {
            polls_.wake(key);
            listeners_.notify(key);
        }));
        ASSERT_TRUE(http_.add_to(routes_));
        ASSERT_TRUE(rpc_.add_to(routes_, connections_));
        executors_.time.wall = 1'700'000'000'000;
        auto info = std::make_shared<spi::ConnectionInfo>();
        info->number = 7;
        info->client_ip = "9.9.9.9";
        connection_ = info;
        listeners_.on_registered(connection_);
    }
    void TearDown() override {
        while (!connections_.pushes.empty()) {
            connections_.fail(spi::Code::kClosed);
        }
    }

    void send(Answer& exchange, spi::HttpMethod method, std::string_view path, std::string_view query,
              std::string_view body = {}, const Headers& headers = {}) {
        Headers all = headers;
        if (!body.empty()) {
            all.push_back({"Content-Type", "application/x-www-form-urlencoded"});
        }
        const spi::HttpRequest request{.method = method,
                                       .path = path,
                                       .target = path,
                                       .query = query,
                                       .body = body,
                                       .headers = all,
                                       .remote_ip = "127.0.0.1",
                                       .principal = &nobody_};
        routes_.http.at({method, std::string(path)})(request, exchange.http());
    }
    /// Any call, to its end.
    Answer ask(spi::HttpMethod method, std::string_view path, std::string_view query, std::string_view body = {},
               const Headers& headers = {}) {
        Answer exchange;
        send(exchange, method, path, query, body, headers);
        executors_.run();
        return exchange;
    }
    Answer call(spi::HttpMethod method, std::string_view query, std::string_view body = {},
                const Headers& headers = {}) {
        Answer exchange;
        send(exchange, method, "/v1/cs/configs", query, body, headers);
        executors_.blocking.run();
        return exchange;
    }
    Answer get(std::string_view query) { return call(spi::HttpMethod::kGet, query); }
    Answer post(std::string_view body, const Headers& headers = {}) {
        return call(spi::HttpMethod::kPost, "", body, headers);
    }
    std::string invoke(std::string_view type, std::string_view body) {
        Answer answer;
        const spi::RpcRequest request{
            .type = type, .body = body, .headers = {}, .connection = connection_, .principal = &nobody_};
        routes_.rpc.at(std::string(type))(request, answer.rpc());
        return answer.type + " " + answer.body;
    }

    spi::Principal nobody_;
    Index index_;
    FakeExecutors executors_;
    FakeMetrics metrics_;
    NullLog log_;
    MemoryStore store_;
    FakeConnections connections_;
    Repository repository_{index_, 1 << 20, executors_, metrics_};
    LongPolls polls_{index_, executors_};
    RpcListeners listeners_{executors_, connections_, metrics_, log_};
    Search search_{index_, repository_, executors_, {}};
    ConfigHttp http_{Services{index_, repository_, search_, polls_, listeners_, executors_}};
    ConfigRpc rpc_{repository_, listeners_};
    FakeRoutes routes_;
    spi::ConnectionPtr connection_;
};

}  // namespace pharos::config
