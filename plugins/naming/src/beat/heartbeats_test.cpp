#include "beat/heartbeats.hpp"

#include <gtest/gtest.h>

#include <pharos/testing/fakes.hpp>

#include "push/pusher.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

Instance instance(const std::string& ip = "5.5.5.5", Metadata metadata = {}) {
    Instance made;
    made.ip = ip;
    made.port = 80;
    made.metadata = std::move(metadata);
    return made;
}

class HeartbeatsTest : public ::testing::Test {
protected:
    HeartbeatsTest() { registry.add_listener(pusher); }

    void register_instance(Instance wanted = instance()) {
        beats.register_instance(kService, std::move(wanted), [](const auto&) {});
    }
    void deregister(const std::string& ip = "5.5.5.5") {
        beats.deregister_instance(kService, ip, 80, [](const auto&) {});
    }
    spi::Result<BeatAnswer> beat(bool is_light, Instance sent = instance()) {
        std::optional<spi::Result<BeatAnswer>> answer;
        beats.beat(kService, std::move(sent), is_light, [&](spi::Result<BeatAnswer> got) { answer = std::move(got); });
        return answer ? std::move(*answer) : spi::Status(spi::Code::kInternal, "not answered");
    }
    int light(Instance sent = instance()) { return beat(true, std::move(sent)).value().code; }
    int full(Instance sent = instance()) { return beat(false, std::move(sent)).value().code; }
    void turn(const std::string& entry, const std::string& value) {
        switches.set(entry, value, true, [](const spi::Result<bool>& done) { ASSERT_TRUE(done); });
        executors.run();
    }
    void override_with(Metadata data) {
        const InstanceOverride set{.data = std::move(data)};
        registry.on_lane(kService, Registry::Entry::kRun, [&](const ServicePtr& service) {
            service->set_override("5.5.5.5:80:DEFAULT", &set);
            registry.show(service, Registry::Telling::kTell);
        });
    }
    std::vector<HostPtr> hosts() { return registry.snapshot(kService)->hosts(); }
    bool healthy() { return hosts().front()->instance().healthy; }

    testing::FakeExecutors executors;
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    Switches switches;
    Registry registry{executors, 16};
    Pusher pusher{registry, switches, executors, connections, metrics, log};
    Heartbeats beats{registry, switches, executors, {}};
};

// `protocol/naming.md §4.1`: unhealthy after more than 15 s of silence, gone after more than 30 s; a beat heals.
TEST_F(HeartbeatsTest, SilenceTurnsUnhealthyAndThenRemoves) {
    register_instance();
    for (int i = 0; i < 10; ++i) {
        executors.advance(5s);
        EXPECT_EQ(light(), BeatAnswer::kOk);
    }
    EXPECT_TRUE(healthy());
    executors.advance(15s);
    EXPECT_TRUE(healthy());
    executors.advance(200ms);
    EXPECT_FALSE(healthy());
    EXPECT_EQ(full(), BeatAnswer::kOk);
    EXPECT_TRUE(healthy());
    executors.advance(30s);
    ASSERT_EQ(hosts().size(), 1u);
    EXPECT_FALSE(healthy());
    executors.advance(200ms);
    EXPECT_TRUE(hosts().empty());
    EXPECT_EQ(light(), BeatAnswer::kRegisterAgain);
}

TEST_F(HeartbeatsTest, EachTransitionIsTold) {
    const ClientPtr subscriber = registry.add_connection(testing::make_connection(1));
    registry.subscribe(subscriber, kService, "", [](const auto&) {});
    connections.ack();
    register_instance();
    EXPECT_NE(connections.ack().members.find(R"("healthy":true)"), std::string::npos);
    executors.advance(15200ms);
    EXPECT_NE(connections.ack().members.find(R"("healthy":false)"), std::string::npos);
    executors.advance(1s);
    light();
    EXPECT_NE(connections.ack().members.find(R"("healthy":true)"), std::string::npos);
    executors.advance(5s);
    light();
    EXPECT_TRUE(connections.pushes.empty()) << "a beat of the healthy is no news";
    executors.advance(15200ms);
    connections.ack();
    executors.advance(15200ms);
    EXPECT_NE(connections.ack().members.find(R"("hosts":[])"), std::string::npos);
}

TEST_F(HeartbeatsTest, MetadataSetsTheTimes) {
    register_instance(instance("5.5.5.5", {{"preserved.heart.beat.interval", "1000"},
                                           {"preserved.heart.beat.timeout", "3000"},
                                           {"preserved.ip.delete.timeout", "70000"}}));
    EXPECT_EQ(beat(true).value().interval_ms, 1000);
    executors.advance(3s);
    EXPECT_TRUE(healthy());
    executors.advance(200ms);
    EXPECT_FALSE(healthy());
    executors.advance(66600ms);
    EXPECT_EQ(hosts().size(), 1u);
    executors.advance(500ms);
    EXPECT_TRUE(hosts().empty());
}

TEST_F(HeartbeatsTest, ShorterTimesCountFromTheirRegistrationOn) {
    register_instance();
    executors.advance(1s);
    register_instance(instance("5.5.5.5", {{"preserved.heart.beat.interval", "1000"},
                                           {"preserved.heart.beat.timeout", "3000"},
                                           {"preserved.ip.delete.timeout", "6000"}}));
    executors.advance(3200ms);
    EXPECT_FALSE(healthy());
    executors.advance(3s);
    EXPECT_TRUE(hosts().empty());
    executors.advance(60s);
    EXPECT_EQ(executors.timer_queue.armed(), 0u) << "nobody is waited for";
}

TEST_F(HeartbeatsTest, ADeleteTimeoutBelowTheBeatTimeoutCounts) {
    register_instance(instance("5.5.5.5", {{"preserved.ip.delete.timeout", "6000"}}));
    executors.advance(6s);
    EXPECT_EQ(hosts().size(), 1u);
    executors.advance(200ms);
    EXPECT_TRUE(hosts().empty());
}

// `protocol/naming.md §4.1`, 2: a full beat registers, a light one asks for it.
TEST_F(HeartbeatsTest, AFullBeatRegistersTheUnknown) {
    EXPECT_EQ(light(), BeatAnswer::kRegisterAgain);
    EXPECT_EQ(beat(true).value().interval_ms, 5000);
    Instance sent = instance("5.5.5.5", {{"k", "v"}});
    sent.weight = 0.0;
    sent.cluster = "c1";
    EXPECT_EQ(full(sent), BeatAnswer::kOk);
    ASSERT_EQ(hosts().size(), 1u);
    EXPECT_EQ(hosts()[0]->instance().metadata, (Metadata{{"k", "v"}}));
    EXPECT_EQ(hosts()[0]->instance().cluster, "c1");
    EXPECT_TRUE(healthy());
    executors.advance(30200ms);
    EXPECT_TRUE(hosts().empty()) << "what a beat registered expires as well";
}

TEST_F(HeartbeatsTest, ABeatChangesNothingOfWhatIsThere) {
    register_instance(instance("5.5.5.5", {{"k", "v"}}));
    Instance sent = instance("5.5.5.5", {{"k", "other"}});
    sent.weight = 7.0;
    sent.cluster = "other";
    EXPECT_EQ(full(sent), BeatAnswer::kOk);
    EXPECT_EQ(hosts()[0]->instance().metadata, (Metadata{{"k", "v"}}));
    EXPECT_EQ(hosts()[0]->instance().weight, 1.0);
    EXPECT_EQ(hosts()[0]->instance().cluster, "DEFAULT");
}

TEST_F(HeartbeatsTest, ABeatThatBreaksARuleIsRefused) {
    Instance sent = instance();
    sent.cluster = "a_b";
    const auto answer = beat(false, sent);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), spi::Code::kInvalidArgument);
    EXPECT_EQ(answer.error().message(),
              "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: a_b)");
    EXPECT_TRUE(hosts().empty());
}

// A beat that was under way while its instance was deregistered.
TEST_F(HeartbeatsTest, ALateBeatRevivesNobody) {
    register_instance();
    deregister();
    EXPECT_TRUE(hosts().empty());
    EXPECT_EQ(full(), BeatAnswer::kOk);
    EXPECT_EQ(light(), BeatAnswer::kOk) << "it would register again if it were told to";
    EXPECT_TRUE(hosts().empty());
    EXPECT_EQ(light(instance("5.5.5.6")), BeatAnswer::kRegisterAgain) << "only the one that was deregistered";
    register_instance();
    EXPECT_EQ(hosts().size(), 1u) << "a registration counts at once";
    deregister();
    executors.advance(14900ms);
    EXPECT_EQ(full(), BeatAnswer::kOk);
    EXPECT_TRUE(hosts().empty());
    executors.advance(200ms);
    EXPECT_EQ(light(), BeatAnswer::kRegisterAgain) << "after one beat time-out it is unknown";
    EXPECT_EQ(full(), BeatAnswer::kOk);
    EXPECT_EQ(hosts().size(), 1u);
}

TEST_F(HeartbeatsTest, WhatExpiredComesBackWithItsNextBeat) {
    register_instance();
    executors.advance(31s);
    EXPECT_TRUE(hosts().empty());
    EXPECT_EQ(full(), BeatAnswer::kOk);
    EXPECT_EQ(hosts().size(), 1u);
}

// As after a restart, when a client deregisters before it was heard of.
TEST_F(HeartbeatsTest, ALateBeatOfTheUnknownRevivesNobodyEither) {
    deregister();
    EXPECT_EQ(full(), BeatAnswer::kOk);
    EXPECT_TRUE(hosts().empty());
    executors.advance(15100ms);
    EXPECT_EQ(full(), BeatAnswer::kOk);
    EXPECT_EQ(hosts().size(), 1u);
}

TEST_F(HeartbeatsTest, AWallClockThatJumpsExpiresNobody) {
    register_instance();
    executors.time.wall += 3'600'000;
    executors.advance(14s);
    EXPECT_TRUE(healthy());
    executors.time.wall -= 7'200'000;
    light();
    executors.advance(14s);
    EXPECT_TRUE(healthy());
    executors.advance(2s);
    EXPECT_FALSE(healthy());
}

// A node that was stopped or suspended has not read the beats that were sent to it meanwhile.
TEST_F(HeartbeatsTest, ANodeThatStoodStillHearsFirst) {
    register_instance();
    register_instance(instance("5.5.5.6"));
    executors.time.now += 10min;
    executors.run();
    EXPECT_EQ(hosts().size(), 2u);
    EXPECT_EQ(light(), BeatAnswer::kOk);
    executors.advance(10s);
    ASSERT_EQ(hosts().size(), 1u) << "who does not beat now is gone";
    EXPECT_EQ(hosts()[0]->instance().ip, "5.5.5.5");
}

// `protocol/naming.md §4.1`, reply: override, then the publisher's metadata, then the switch.
TEST_F(HeartbeatsTest, TheIntervalIsTheOperatorsThenThePublishersThenTheSwitchs) {
    turn("clientBeatInterval", "7000");
    EXPECT_EQ(beat(true).value().interval_ms, 7000);
    register_instance();
    EXPECT_EQ(beat(true).value().interval_ms, 7000);
    register_instance(instance("5.5.5.5", {{"preserved.heart.beat.interval", "3000"}}));
    EXPECT_EQ(beat(true).value().interval_ms, 3000);
    override_with({{"preserved.heart.beat.interval", "2000"}});
    EXPECT_EQ(beat(true).value().interval_ms, 2000);
    EXPECT_EQ(beat(false).value().interval_ms, 2000);
    override_with({{"preserved.heart.beat.interval", "soon"}});
    EXPECT_EQ(beat(true).value().interval_ms, 7000) << "what is no number counts as not there";
}

TEST_F(HeartbeatsTest, TheOperatorsTimesComeFirst) {
    register_instance(instance("5.5.5.5", {{"preserved.heart.beat.timeout", "20000"}}));
    override_with({{"preserved.heart.beat.timeout", "40000"}, {"preserved.ip.delete.timeout", "50000"}});
    executors.advance(40s);
    EXPECT_TRUE(healthy());
    executors.advance(200ms);
    EXPECT_FALSE(healthy());
    executors.advance(9700ms);
    EXPECT_EQ(hosts().size(), 1u);
    executors.advance(300ms);
    EXPECT_TRUE(hosts().empty());
}

// Trap 48: the name says the opposite.
TEST_F(HeartbeatsTest, EnableClientBeatMeansNeverExpire) {
    register_instance(instance("5.5.5.5", {{"enableClientBeat", "true"}}));
    register_instance(instance("5.5.5.6", {{"enableClientBeat", "no"}}));
    executors.advance(1h);
    registry.sweep(10s);
    ASSERT_EQ(hosts().size(), 1u);
    EXPECT_EQ(hosts()[0]->instance().ip, "5.5.5.5");
    EXPECT_TRUE(healthy());
    override_with({{"enableClientBeat", "false"}});
    executors.advance(6s);
    EXPECT_TRUE(hosts().empty()) << "an operator may say otherwise";
}

TEST_F(HeartbeatsTest, AServiceMayNeverExpireAsAWhole) {
    register_instance();
    registry.on_lane(kService, Registry::Entry::kRun, [&](const ServicePtr& service) {
        auto metadata = std::make_shared<ServiceMetadata>();
        metadata->ephemeral = true;
        metadata->data = {{"enableClientBeat", "yes"}};
        service->set_metadata(std::move(metadata), executors.time.now);
        registry.show(service, Registry::Telling::kTell);
    });
    executors.advance(1h);
    EXPECT_EQ(hosts().size(), 1u);
}

TEST_F(HeartbeatsTest, WhileHealthChecksAreOffNobodyExpires) {
    register_instance();
    turn("check", "false");
    executors.advance(1h);
    registry.sweep(10s);
    ASSERT_EQ(hosts().size(), 1u);
    EXPECT_TRUE(healthy());
    turn("check", "true");
    light();
    executors.advance(10s);
    EXPECT_TRUE(healthy());
    executors.advance(5200ms);
    EXPECT_FALSE(healthy());
}

TEST_F(HeartbeatsTest, WithoutExpiryTheSilentStayUnhealthy) {
    Heartbeats lasting{registry, switches, executors, {.expire = false}};
    lasting.register_instance(kService, instance(), [](const auto&) {});
    executors.advance(15200ms);
    EXPECT_FALSE(healthy());
    executors.advance(1h);
    registry.sweep(10s);
    ASSERT_EQ(hosts().size(), 1u);
    lasting.beat(kService, instance(), true, [](const auto& answer) { EXPECT_EQ(answer.value().code, 10200); });
    EXPECT_TRUE(healthy());
    executors.advance(15s);
    EXPECT_TRUE(healthy());
    executors.advance(200ms);
    EXPECT_FALSE(healthy());
}

TEST_F(HeartbeatsTest, AHealedInstanceIsWatchedFromItsBeatOn) {
    register_instance(instance("5.5.5.5", {{"preserved.ip.delete.timeout", "3600000"}}));
    executors.advance(20s);
    EXPECT_FALSE(healthy());
    light();
    EXPECT_TRUE(healthy());
    executors.advance(15s);
    EXPECT_TRUE(healthy());
    executors.advance(200ms);
    EXPECT_FALSE(healthy());
}

TEST_F(HeartbeatsTest, ManyInstancesNeedOneTimer) {
    for (int i = 0; i < 1000; ++i) {
        register_instance(instance("5.5." + std::to_string(i / 250) + "." + std::to_string(i % 250)));
    }
    EXPECT_EQ(executors.timer_queue.armed(), 1u);
    executors.advance(60s);
    EXPECT_TRUE(hosts().empty());
    EXPECT_EQ(executors.timer_queue.armed(), 0u);
}

}  // namespace
}  // namespace pharos::naming
