// What the load control does to calls and to registrations.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "rpc/test_support.hpp"

namespace pharos::rpc {
namespace {

using namespace std::chrono_literals;
using test::error;
using test::Fixture;
using test::frame;
using test::shown;

/// Answers what the test has set, and keeps what it was asked.
class FakeControl final : public spi::LoadControl {
public:
    class Point final : public spi::LimitPoint {
    public:
        spi::Verdict admit(const spi::LimitedCaller& caller) noexcept override {
            asked.push_back(std::string(caller.client_ip) + ' ' + std::string(caller.connection_id) + ' ' +
                            std::string(caller.app));
            return verdict;
        }
        spi::Verdict verdict;
        std::vector<std::string> asked;
    };

    spi::LimitPoint* point(std::string_view name) noexcept override {
        const std::lock_guard lock(mutex_);
        return &points[std::string(name)];
    }
    spi::Status admit_connection(const spi::LimitedCaller&, std::size_t connected) noexcept override {
        return connected < limit ? spi::Status() : spi::Status(spi::Code::kUnavailable, "full");
    }

    std::map<std::string, Point> points;
    std::size_t limit = 1000;

private:
    std::mutex mutex_;
};

struct Limited : Fixture {
    Limited() {
        server.use(&control, [this] { return held; });
    }
    ~Limited() { server.use(nullptr, {}); }

    spi::Registration add_limited(std::string_view type, std::string_view point) {
        spi::RpcMethod method{type, "EchoResponse", {spi::Action::kRead, "test"}};
        method.access.limit_point = point;
        auto added = server.add(method, [this](const spi::RpcRequest& request, spi::RpcResponder responder) {
            ++handled;
            const spi::Piece pieces[] = {R"({"resultCode":200,"echo":)", request.body, "}"};
            responder.send("EchoResponse", pieces);
        });
        return std::move(added.value());
    }

    FakeControl control;
    std::size_t held = 0;
    int handled = 0;
};

const std::string kEchoed = R"(EchoResponse {"resultCode":200,"echo":{"a":1}})";
const spi::Status kOver(spi::Code::kUnavailable, "tps over limit :5");

TEST(Limit, PointsKnowWhoAsksAndTypesWithoutOneAreFree) {
    Limited f;
    const auto echo = f.add_limited("EchoRequest", "Point");
    const auto free = f.add_limited("FreeRequest", "");
    const ConnectionNumber named = f.join(R"({"labels":{"AppName":"shop"}})");
    const ConnectionNumber nameless = f.join("{}");
    EXPECT_EQ(f.call(named, "EchoRequest", R"({"a":1})"), kEchoed);
    EXPECT_EQ(f.call(nameless, "EchoRequest", R"({"a":1})"), kEchoed);
    EXPECT_EQ(f.call(named, "FreeRequest", R"({"a":1})"), kEchoed);
    EXPECT_EQ(f.control.points["Point"].asked, (std::vector<std::string>{"10.1.1.1 1700001000000_10.1.1.1_40001 shop",
                                                                         "10.1.1.1 1700001000000_10.1.1.1_40002 "}));
    EXPECT_EQ(f.call(named, "HealthCheckRequest").substr(0, 19), "HealthCheckResponse");
    EXPECT_EQ(f.control.points["HealthCheck"].asked.size(), 1u);
}

TEST(Limit, ARefusalComesInTheHandlersTypeAfterItsDelay) {
    Limited f;
    const auto echo = f.add_limited("EchoRequest", "Point");
    const auto other = f.add_limited("OtherRequest", "Other");
    f.control.points["Point"].verdict = {kOver, 1s};
    const ConnectionNumber number = f.join();
    EXPECT_EQ(f.transport.call(number, frame("EchoRequest", "{}")), "");
    EXPECT_EQ(f.call(number, "OtherRequest", R"({"a":1})"), kEchoed);
    f.executors.advance(900ms);
    EXPECT_TRUE(f.transport.late_replies().empty());
    f.executors.advance(200ms);
    ASSERT_EQ(f.transport.late_replies().size(), 1u);
    EXPECT_EQ(shown(f.transport.late_replies()[0]),
              error(503, "Tps Flow restricted:tps over limit :5", "EchoResponse"));
    EXPECT_EQ(f.handled, 1);
}

TEST(Limit, ADelayedRequestIsHandledOnceAndNotLimitedAgain) {
    Limited f;
    const auto echo = f.add_limited("EchoRequest", "Point");
    f.control.points["Point"].verdict = {{}, 50ms};
    const ConnectionNumber number = f.join();
    EXPECT_EQ(f.transport.call(number, frame("EchoRequest", R"({"a":1})")), "");
    f.executors.advance(49ms);
    EXPECT_EQ(f.handled, 0);
    f.executors.advance(1ms);
    ASSERT_EQ(f.transport.late_replies().size(), 1u);
    EXPECT_EQ(shown(f.transport.late_replies()[0]), kEchoed);
    EXPECT_EQ(f.control.points["Point"].asked.size(), 1u);
    EXPECT_EQ(f.handled, 1);
}

TEST(Limit, RequestsWithShorterDelaysOvertake) {
    Limited f;
    const auto echo = f.add_limited("EchoRequest", "Point");
    const ConnectionNumber number = f.join();
    f.control.points["Point"].verdict = {{}, 80ms};
    f.transport.call(number, frame("EchoRequest", R"("slow")"));
    f.control.points["Point"].verdict = {{}, 20ms};
    f.transport.call(number, frame("EchoRequest", R"("fast")"));
    f.executors.advance(100ms);
    ASSERT_EQ(f.transport.late_replies().size(), 2u);
    EXPECT_EQ(shown(f.transport.late_replies()[0]), R"(EchoResponse {"resultCode":200,"echo":"fast"})");
}

TEST(Limit, WhoHasLeftMeanwhileIsNotServed) {
    Limited f;
    const auto echo = f.add_limited("EchoRequest", "Point");
    f.control.points["Point"].verdict = {{}, 50ms};
    const ConnectionNumber number = f.join();
    f.transport.call(number, frame("EchoRequest", "{}"));
    f.transport.hang_up(number);
    f.executors.advance(100ms);
    EXPECT_EQ(f.handled, 0);
    EXPECT_EQ(f.transport.late_replies().size(), 1u) << "each call is answered, whoever still listens";
}

TEST(Limit, AHandlerThatHasGoneMeanwhileIsNotCalled) {
    Limited f;
    auto echo = f.add_limited("EchoRequest", "Point");
    f.control.points["Point"].verdict = {{}, 50ms};
    f.transport.call(f.join(), frame("EchoRequest", "{}"));
    echo.reset();
    f.executors.advance(100ms);
    EXPECT_EQ(f.handled, 0);
    EXPECT_EQ(shown(f.transport.late_replies().at(0)), error(302, "RequestHandler Not Found"));
}

TEST(Limit, AStopAnswersWhatWaitsAndRunsNothing) {
    Limited f;
    const auto echo = f.add_limited("EchoRequest", "Point");
    const ConnectionNumber number = f.join();
    f.control.points["Point"].verdict = {{}, 50ms};
    f.transport.call(number, frame("EchoRequest", "{}"));
    f.control.points["Point"].verdict = {kOver, 1s};
    f.transport.call(number, frame("EchoRequest", "{}"));
    EXPECT_TRUE(f.server.stop(1s));
    EXPECT_EQ(f.transport.late_replies().size(), 2u);
    f.executors.advance(10s);
    EXPECT_EQ(f.handled, 0);
    EXPECT_EQ(f.transport.late_replies().size(), 2u);
}

TEST(Limit, AConnectionTooManyIsClosedAtItsSetup) {
    Limited f;
    test::Recorder recorder;
    const auto observing = f.server.observe(recorder);
    f.control.limit = 3;
    f.held = 1;
    const ConnectionNumber first = f.join();
    const ConnectionNumber second = f.join();
    const ConnectionNumber third = f.join();
    EXPECT_TRUE(f.transport.is_open(first));
    EXPECT_TRUE(f.transport.is_open(second));
    EXPECT_FALSE(f.transport.is_open(third)) << "a long poll counts";
    EXPECT_EQ(recorder.heard(), (std::vector<std::string>{"+1", "+2"}));
    EXPECT_EQ(f.metrics.read("pharos_rpc_connections module=naming"), 2.0);

    EXPECT_TRUE(f.transport.is_open(f.join(R"({"labels":{"source":"cluster"}})"))) << "members are exempt";
    f.transport.hang_up(first);
    EXPECT_FALSE(f.transport.is_open(f.join())) << "the member counts";
    f.held = 0;
    EXPECT_TRUE(f.transport.is_open(f.join()));
}

TEST(Limit, PushesThatFindTheirQueueFullAreCounted) {
    Limited f;
    const ConnectionNumber number = f.join();
    f.server.push(number, {"XRequest", {}}, [](spi::Result<bool>) {});
    EXPECT_TRUE(f.control.points["SERVER_PUSH_BLOCK"].asked.empty());
    f.transport.block(number, true);
    f.server.push(number, {"XRequest", {}}, [](spi::Result<bool>) {});
    EXPECT_EQ(f.control.points["SERVER_PUSH_BLOCK"].asked.size(), 1u);
}

TEST(Limit, EndsWithItsProvider) {
    Limited f;
    const auto echo = f.add_limited("EchoRequest", "Point");
    f.control.points["Point"].verdict = {kOver, 0s};
    const ConnectionNumber number = f.join();
    f.server.use(nullptr, {});
    EXPECT_EQ(f.call(number, "EchoRequest", R"({"a":1})"), kEchoed);
}

}  // namespace
}  // namespace pharos::rpc
