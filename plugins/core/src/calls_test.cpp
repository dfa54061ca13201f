#include <gtest/gtest.h>

#include <map>

#include <pharos/testing/fakes.hpp>

#include "namespaces_http.hpp"
#include "state_http.hpp"

namespace pharos::core {
namespace {

/// Keeps handlers, so that a test can be the kernel.
class Routes final : public spi::HttpRoutes {
public:
    spi::Result<spi::Registration> add(const spi::HttpRoute& route, spi::HttpHandler handler) override {
        handlers[{route.method, std::string(route.path)}] = std::move(handler);
        return spi::Registration();
    }
    std::map<std::pair<spi::HttpMethod, std::string>, spi::HttpHandler> handlers;
};

class Calls : public ::testing::Test {
protected:
    Calls() {
        CallRoutes adder(routes, time, registrations);
        namespaces.add_to(adder);
        state.add_to(adder);
        namespaces.use(Namespaces(&store, {}));
    }

    testing::Answer& ask(spi::HttpMethod method, const std::string& path, std::string_view query = {}) {
        answer.emplace();
        spi::HttpRequest request;
        request.method = method;
        request.path = path;
        request.query = query;
        routes.handlers.at({method, path})(request, answer->http());
        EXPECT_EQ(answer->sent, 1);
        return *answer;
    }

    class FailedHealth final : public spi::NodeHealth {
    public:
        void report_to(spi::HealthSink& sink) const override {
            sink.report("config.read", spi::HealthState::kFailed, "the disk has gone");
        }
    };

    testing::MemoryStore store;
    testing::ManualClock time;
    Routes routes;
    sdk::Registrations registrations;
    spi::NodeInfo node;
    FailedHealth health;
    NamespaceCalls namespaces;
    StateCalls state{node, health};
    std::optional<testing::Answer> answer;
};

// `protocol/core.md §3.7` and trap 18: one keeps HTTP 200, the console's do not.
TEST_F(Calls, ANodeThatIsNotReadyIsToldInTheWayOfEachGeneration) {
    const std::string failure = R"({"code":30000,"message":"config not in readiness","data":null})";
    testing::Answer& v3 = ask(spi::HttpMethod::kGet, "/v3/admin/core/state/readiness");
    EXPECT_EQ(v3.status, 200);
    EXPECT_EQ(v3.body, failure);
    for (const char* path : {"/v2/console/health/readiness", "/v3/console/health/readiness"}) {
        testing::Answer& console = ask(spi::HttpMethod::kGet, path);
        EXPECT_EQ(console.status, 500);
        EXPECT_EQ(console.body, failure);
    }
    testing::Answer& v1 = ask(spi::HttpMethod::kGet, "/v1/console/health/readiness");
    EXPECT_EQ(v1.status, 500);
    EXPECT_EQ(v1.body, "config not in readiness");
    EXPECT_EQ(ask(spi::HttpMethod::kGet, "/v1/console/health/liveness").body, "OK");
}

TEST_F(Calls, AStoreThatFailsIsToldInTheWayOfEachGeneration) {
    store.broken = true;
    testing::Answer& v1 = ask(spi::HttpMethod::kGet, "/v1/console/namespaces");
    EXPECT_EQ(v1.status, 200);
    EXPECT_EQ(v1.body, R"({"code":500,"message":"the store can't be read","data":null,"noRight":false})");
    testing::Answer& v3 = ask(spi::HttpMethod::kGet, "/v3/admin/core/namespace/list");
    EXPECT_EQ(v3.status, 500);
    EXPECT_EQ(v3.body, R"({"code":10002,"message":"data access error","data":"the store can't be read"})");
    testing::Answer& check = ask(spi::HttpMethod::kGet, "/v3/admin/core/namespace/check", "namespaceId=a");
    EXPECT_EQ(check.status, 500);

    store.failure = {spi::Code::kUnavailable, "the disk is full"};
    testing::Answer& create =
        ask(spi::HttpMethod::kPost, "/v1/console/namespaces", "customNamespaceId=a&namespaceName=a");
    EXPECT_EQ(create.status, 500);
    EXPECT_EQ(create.body, "caused: the disk is full;");
}

TEST_F(Calls, AReplyWaitsUntilTheChangeIsDurable) {
    store.manual = true;
    answer.emplace();
    spi::HttpRequest request;
    request.query = "namespaceId=a&namespaceName=a";
    routes.handlers.at({spi::HttpMethod::kPost, "/v3/admin/core/namespace"})(request, answer->http());
    EXPECT_EQ(answer->sent, 0);
    store.flush();
    EXPECT_EQ(answer->sent, 1);
    EXPECT_EQ(answer->body, R"({"code":0,"message":"success","data":true})");
}

}  // namespace
}  // namespace pharos::core
