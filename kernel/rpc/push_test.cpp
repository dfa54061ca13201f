#include <gtest/gtest.h>

#include <string>

#include "rpc/test_support.hpp"

namespace pharos::rpc {
namespace {

using namespace std::chrono_literals;
using test::Fixture;
using test::frame;
using test::shown;

/// Pushes, and tells how it went.
struct Pushed {
    Pushed(Fixture& f, ConnectionNumber number) {
        const spi::Piece members[] = {std::make_shared<const std::string>(R"("dataId":"a",)"), R"("module":"config"})"};
        f.server.push(number, {"ConfigChangeNotifyRequest", members}, [this](spi::Result<bool> result) {
            ++times;
            outcome = result ? "acked" : spi::to_string(result.error().code());
        });
    }
    std::string_view outcome;
    int times = 0;
};

std::string ack(std::string_view id, std::string_view rest = R"("resultCode":200)") {
    return frame("AnyResponse", R"({"requestId":")" + std::string(id) + "\"," + std::string(rest) + "}");
}

TEST(Push, IsWrittenAsTheProtocolSaysAndAcked) {
    Fixture f;
    const ConnectionNumber number = f.join();
    Pushed one(f, number);
    Pushed two(f, number);
    const std::vector<std::string> got = f.transport.received(number);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(shown(got[0]),
              R"(ConfigChangeNotifyRequest {"headers":{},"requestId":"1","dataId":"a","module":"config"})");
    EXPECT_EQ(shown(got[1]).find(R"("requestId":"2")") != std::string::npos, true);
    Payload payload;
    ASSERT_TRUE(decode(got[0], payload));
    EXPECT_EQ(payload.client_ip, "10.0.0.1");

    f.transport.stream(number, ack("2"));
    EXPECT_EQ(one.outcome, "");
    EXPECT_EQ(two.outcome, "acked");
    f.transport.stream(number, ack("99"));
    f.transport.stream(number, ack("2"));
    EXPECT_EQ(two.times, 1);
    f.transport.stream(number, ack("1", R"("resultCode":500,"success":false)"));
    EXPECT_EQ(one.outcome, "internal");
    EXPECT_EQ(f.metrics.count("pharos_rpc_pushes_total"), 2u);
    EXPECT_EQ(f.metrics.count("pharos_rpc_push_failures_total"), 1u);
}

TEST(Push, AnAckFromAnotherConnectionIsNone) {
    Fixture f;
    const ConnectionNumber number = f.join();
    const ConnectionNumber other = f.join();
    Pushed push(f, number);
    f.transport.stream(other, ack("1"));
    EXPECT_EQ(push.outcome, "");
    f.transport.stream(number, ack("1"));
    EXPECT_EQ(push.outcome, "acked");
}

TEST(Push, RunsOutOfTimeOnceAndLateAcksAreIgnored) {
    Fixture f;
    const ConnectionNumber number = f.join();
    Pushed push(f, number);
    f.executors.advance(2900ms);
    EXPECT_EQ(push.outcome, "");
    f.executors.advance(300ms);
    EXPECT_EQ(push.outcome, "timeout");
    f.transport.stream(number, ack("1"));
    EXPECT_EQ(push.times, 1);
    EXPECT_TRUE(f.transport.is_open(number)) << "a missing ack does not end a connection";
    EXPECT_EQ(f.metrics.count("pharos_rpc_push_timeouts_total"), 1u);
}

TEST(Push, FailsWhenTheConnectionIsGoneOrGoes) {
    Fixture f;
    Pushed unknown(f, 4711);
    EXPECT_EQ(unknown.outcome, "closed");
    Pushed unregistered(f, f.connect());
    EXPECT_EQ(unregistered.outcome, "closed");
    const ConnectionNumber number = f.join();
    Pushed waiting(f, number);
    f.transport.hang_up(number);
    EXPECT_EQ(waiting.outcome, "closed");
    Pushed late(f, number);
    EXPECT_EQ(late.outcome, "closed");
    f.executors.advance(5s);
    EXPECT_EQ(waiting.times, 1);
}

TEST(Push, AFullQueueIsUnavailable) {
    Fixture f;
    const ConnectionNumber number = f.join();
    f.transport.block(number, true);
    Pushed push(f, number);
    EXPECT_EQ(push.outcome, "unavailable");
    f.executors.advance(5s);
    EXPECT_EQ(push.times, 1);
}

TEST(Liveness, AnIdleClientIsAskedThenClosed) {
    Fixture f;
    test::Recorder recorder;
    const auto observing = f.server.observe(recorder);
    const ConnectionNumber number = f.join();
    f.executors.advance(19s);
    EXPECT_TRUE(f.transport.received(number).empty());
    f.executors.advance(3s);
    EXPECT_EQ(shown(f.transport.received(number).at(0)),
              R"(ClientDetectionRequest {"headers":{},"requestId":"1","module":"internal"})");
    f.executors.advance(3s);
    EXPECT_TRUE(f.transport.is_open(number));
    f.executors.advance(2s);
    EXPECT_FALSE(f.transport.is_open(number));
    EXPECT_EQ(recorder.heard(), (std::vector<std::string>{"+1", "-1"}));
}

TEST(Liveness, AnAckOrAnyActivityKeepsIt) {
    Fixture f;
    const ConnectionNumber acks = f.join();
    const ConnectionNumber calls = f.join();
    const ConnectionNumber busy = f.join();
    for (int second = 1; second <= 22; ++second) {
        f.executors.advance(1s);
        f.call(busy, "HealthCheckRequest");
    }
    EXPECT_TRUE(f.transport.received(busy).empty());
    ASSERT_EQ(f.transport.received(calls).size(), 1u);
    const std::string probe = f.transport.received(acks).at(0);
    const std::string id = probe.substr(probe.find("requestId\":\"") + 12, 1);
    f.transport.stream(acks, ack(id));
    f.call(calls, "HealthCheckRequest");
    f.executors.advance(7s);
    EXPECT_TRUE(f.transport.is_open(acks));
    EXPECT_TRUE(f.transport.is_open(calls));
    f.executors.advance(14s);
    EXPECT_EQ(f.transport.received(acks).size(), 1u) << "asked again after another idle time";
}

TEST(Liveness, WhoNeverRegistersIsClosed) {
    Fixture f;
    const ConnectionNumber number = f.connect();
    f.executors.advance(24s);
    EXPECT_FALSE(f.transport.is_open(number));
}

TEST(Liveness, ABlockedStreamIsClosedThoughItsClientCalls) {
    Fixture f;
    const ConnectionNumber number = f.join();
    const ConnectionNumber recovers = f.join();
    f.transport.block(number, true);
    f.transport.block(recovers, true);
    Pushed push(f, number);
    Pushed other(f, recovers);
    f.transport.block(recovers, false);
    for (int second = 0; second < 310; ++second) {
        EXPECT_TRUE(second > 300 || f.transport.is_open(number)) << second;
        f.call(number, "HealthCheckRequest");
        f.call(recovers, "HealthCheckRequest");
        f.executors.advance(1s);
    }
    EXPECT_FALSE(f.transport.is_open(number));
    EXPECT_TRUE(f.transport.is_open(recovers));
}

TEST(Liveness, SmallPushesThatStillFitDoNotHideThatNothingIsRead) {
    Fixture f;
    const ConnectionNumber deaf = f.join();
    const ConnectionNumber slow = f.join();
    const std::string filling(1000, 'x');
    for (const ConnectionNumber number : {deaf, slow}) {
        f.transport.leave_room(number, 500);
        const spi::Piece members[] = {R"("x":")", filling, "\"}"};
        f.server.push(number, {"BigRequest", members}, [](spi::Result<bool> result) { EXPECT_FALSE(result); });
    }
    for (int second = 0; second < 330; ++second) {
        EXPECT_TRUE(second > 300 || f.transport.is_open(deaf)) << second;
        f.call(deaf, "HealthCheckRequest");
        f.call(slow, "HealthCheckRequest");
        f.executors.advance(1s);
        for (const std::string& got : f.transport.received(slow)) {  // reads the probe in the end
            const std::size_t at = got.find("requestId\":\"") + 12;
            f.transport.stream(slow, ack(std::string_view(got).substr(at, got.find('"', at) - at)));
        }
    }
    EXPECT_FALSE(f.transport.is_open(deaf));
    EXPECT_TRUE(f.transport.is_open(slow));
}

}  // namespace
}  // namespace pharos::rpc
