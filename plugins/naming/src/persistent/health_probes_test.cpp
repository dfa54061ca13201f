#include "persistent/health_probes.hpp"

#include <gtest/gtest.h>

#include "persistent/stored_instance.hpp"
#include "testing.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

class HealthProbesTest : public ::testing::Test {
protected:
    FakeHealthChecks::Watch& watch(const std::string& ip = "1.1.1.1") {
        FakeHealthChecks::Watch* const found = engine.find(ip);
        EXPECT_NE(found, nullptr) << ip;
        return *found;
    }
    /// Probes say so, as the engine does until it is believed.
    void find(const std::string& ip, bool healthy) {
        watch(ip).on_change(healthy, "said the test");
        world.executors.run();
    }
    void set_checker(const std::string& json, bool own_port = true, std::uint16_t port = 80) {
        ClusterMetadata metadata;
        metadata.checker = *parse_health_checker(json);
        metadata.use_instance_port = own_port;
        metadata.check_port = port;
        EXPECT_EQ(world.said([&](auto done) {
            world.catalogue.update_cluster(kService, "DEFAULT", metadata, std::move(done));
        }),
                  "");
    }
    bool healthy(const std::string& ip = "1.1.1.1") { return world.shown(kService, ip)->instance().healthy; }
    std::vector<ProbeReport> report() {
        std::vector<ProbeReport> got;
        world.persistent.probes().report(world.registry.find(kService),
                                         [&](auto reports) { got = std::move(reports); });
        world.executors.run();
        return got;
    }

    testing::MemoryStore store;
    FakeHealthChecks engine;
    World world{&store, nullptr, {}, {}, &engine};
};

// Trap 51: without any metadata it is TCP on the instance's port. Ephemeral ones are never probed (§4.2).
TEST_F(HealthProbesTest, APersistentInstanceIsProbedByTcp) {
    world.publish(world.connect(1), {"public", "DEFAULT_GROUP", "s2"}, "2.2.2.2");
    world.keep(kService, "1.1.1.1");
    ASSERT_EQ(engine.watches.size(), 1u);
    EXPECT_EQ(watch().target.type, "TCP");
    EXPECT_EQ(watch().target.port, 80);
    EXPECT_EQ(watch().target.name, "public DEFAULT_GROUP@@s1 DEFAULT 1.1.1.1:80");
    EXPECT_TRUE(watch().target.healthy);
    world.drop(kService, "1.1.1.1");
    EXPECT_TRUE(engine.watches.empty());
}

TEST_F(HealthProbesTest, WhatProbesFindIsStoredShownPushedAndBelieved) {
    world.keep(kService, "1.1.1.1");
    world.subscribe(world.connect(1), kService);
    world.executors.run();
    while (!world.connections.pushes.empty()) {
        world.connections.ack();
    }
    world.executors.advance(5s);
    find("1.1.1.1", false);
    EXPECT_FALSE(healthy());
    EXPECT_FALSE(watch().target.healthy);
    EXPECT_EQ(watch().updates, 0);
    EXPECT_TRUE(store.data.contains(health_key({kService, "1.1.1.1", 80})));
    world.executors.advance(1s);
    ASSERT_EQ(world.connections.pushes.size(), 1u);
    EXPECT_NE(world.connections.ack().members.find(R"("healthy":false)"), std::string::npos);
    const spi::Revision before = store.revision;
    find("1.1.1.1", false);  // told twice
    EXPECT_EQ(store.revision, before);
    find("1.1.1.1", true);
    EXPECT_TRUE(healthy());
    EXPECT_TRUE(watch().target.healthy);
}

// A change of health and one of what was registered do not undo each other.
TEST_F(HealthProbesTest, HealthKeepsWhatIsRegistered) {
    Instance instance = make_instance("1.1.1.1");
    instance.ephemeral = false;
    instance.metadata = {{"a", "b"}};
    world.keep(kService, instance);
    store.manual = true;
    watch().on_change(false, "");
    world.executors.run();
    instance.metadata = {{"a", "c"}};
    world.keep(kService, instance);
    store.manual = false;
    store.flush();
    world.executors.run();
    EXPECT_EQ(world.shown(kService, "1.1.1.1")->instance().metadata, (Metadata{{"a", "c"}}));
    find("1.1.1.1", false);
    EXPECT_EQ(world.shown(kService, "1.1.1.1")->instance().metadata, (Metadata{{"a", "c"}}));
    EXPECT_FALSE(healthy());
}

TEST_F(HealthProbesTest, ManyChangesAreFewCommits) {
    for (int i = 0; i < 500; ++i) {
        world.keep(kService, "1.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    }
    ASSERT_EQ(engine.watches.size(), 500u);
    const spi::Revision before = store.revision;
    store.manual = true;
    for (FakeHealthChecks::Watch& each : engine.watches) {
        each.on_change(false, "");
    }
    store.flush();  // the first, alone
    world.executors.run();
    store.flush();  // all others
    world.executors.run();
    EXPECT_EQ(store.revision, before + 2);
    const SnapshotPtr shown = world.registry.snapshot(kService);
    for (const HostPtr& host : shown->hosts()) {
        EXPECT_FALSE(host->instance().healthy) << host->instance().ip;
    }
    EXPECT_EQ(shown->hosts().size(), 500u);
}

// One that is deregistered meanwhile neither comes back nor keeps the others from being written.
TEST_F(HealthProbesTest, AnInstanceThatHasGoneStaysAway) {
    world.keep(kService, "1.1.1.1");
    world.keep(kService, "1.1.1.2");
    store.manual = true;
    world.drop(kService, "1.1.1.1");
    watch("1.1.1.1").on_change(false, "");
    watch("1.1.1.2").on_change(false, "");
    for (int i = 0; i < 5; ++i) {
        store.flush();
        world.executors.run();
    }
    EXPECT_EQ(world.ips(kService), std::vector<std::string>{"1.1.1.2"});
    EXPECT_FALSE(healthy("1.1.1.2"));
    EXPECT_FALSE(store.data.contains(health_key({kService, "1.1.1.1", 80})));
}

TEST_F(HealthProbesTest, AFailedWriteIsToldAgain) {
    world.keep(kService, "1.1.1.1");
    store.failure = {spi::Code::kUnavailable, "no leader"};
    find("1.1.1.1", false);
    EXPECT_TRUE(healthy());
    store.failure = {};
    find("1.1.1.1", false);
    EXPECT_FALSE(healthy());
}

TEST_F(HealthProbesTest, TheCheckerIsSwitchedLive) {
    world.keep(kService, "1.1.1.1");
    set_checker(R"({"type":"HTTP","path":"/ok","headers":"K:v","expectedResponseCode":200})", false, 8081);
    EXPECT_EQ(watch().target.type, "HTTP");
    EXPECT_EQ(watch().target.port, 8081);
    EXPECT_EQ(watch().updates, 1);
    EXPECT_EQ(spi::property(watch().target.settings, "path"), "/ok");
    EXPECT_EQ(spi::property(watch().target.settings, "headers"), "K:v");
    EXPECT_EQ(spi::property(watch().target.settings, "expectedResponseCode"), "200");
    // What concerns something else begins no count anew.
    world.update(kService, [](ServiceMetadata& metadata) { metadata.protect_threshold = 0.5; });
    EXPECT_EQ(watch().updates, 1);
    set_checker(R"({"type":"NONE"})");
    EXPECT_TRUE(engine.watches.empty());
    set_checker(R"({"type":"TCP"})");
    EXPECT_EQ(watch().target.port, 80);
}

TEST_F(HealthProbesTest, AForeignCheckerReachesTheEngineWhole) {
    world.keep(kService, "1.1.1.1");
    set_checker(R"({"type":"REDIS","password":"x","db":3,"tls":true,"nodes":["a"]})");
    EXPECT_EQ(watch().target.type, "REDIS");
    EXPECT_EQ(spi::property(watch().target.settings, "password"), "x");
    EXPECT_EQ(spi::property(watch().target.settings, "db"), "3");
    EXPECT_EQ(spi::property(watch().target.settings, "tls"), "true");
    EXPECT_EQ(spi::property(watch().target.settings, "nodes"), R"(["a"])");
}

TEST_F(HealthProbesTest, AnotherClusterIsAnotherCheck) {
    world.keep(kService, "1.1.1.1");
    set_checker(R"({"type":"HTTP","path":"/ok"})");
    Instance moved = make_instance("1.1.1.1", 80, "c1");
    moved.ephemeral = false;
    world.keep(kService, moved);
    EXPECT_EQ(watch().target.type, "TCP");
    EXPECT_EQ(engine.watches.size(), 1u);
}

TEST_F(HealthProbesTest, ARegistrationThatSaysHealthyIsBelieved) {
    world.keep(kService, "1.1.1.1");
    find("1.1.1.1", false);
    world.keep(kService, "1.1.1.1");
    EXPECT_TRUE(watch().target.healthy);
}

TEST_F(HealthProbesTest, ARestartGoesOnWhereItWas) {
    world.keep(kService, "1.1.1.1");
    find("1.1.1.1", false);
    FakeHealthChecks later;
    World again(&store, nullptr, {}, {}, &later);
    ASSERT_EQ(later.watches.size(), 1u);
    EXPECT_FALSE(later.find("1.1.1.1")->target.healthy);
}

TEST_F(HealthProbesTest, AddressesAreNumeric) {
    world.keep(kService, "[::1]");
    world.keep(kService, "redis-0.redis");
    ASSERT_EQ(engine.watches.size(), 1u);
    EXPECT_EQ(engine.watches.front().target.ip, "::1");
    for (const ProbeReport& each : report()) {
        EXPECT_EQ(each.last.result.reason.empty(), each.host->instance().ip == "[::1]");
    }
}

TEST_F(HealthProbesTest, SwitchesAreThePolicy) {
    EXPECT_TRUE(engine.policy.enabled);
    EXPECT_EQ(engine.policy.times, 3u);
    EXPECT_EQ(engine.policy.http.min, 500ms);
    world.turn("check", "false");
    world.turn("healthCheckTimes", "5");
    world.turn("tcpHealthParams", R"({"max":4000,"min":600,"factor":0.5})");
    EXPECT_FALSE(engine.policy.enabled);
    EXPECT_EQ(engine.policy.times, 5u);
    EXPECT_EQ(engine.policy.tcp.max, 4000ms);
    EXPECT_EQ(engine.policy.tcp.min, 600ms);
    EXPECT_EQ(engine.policy.tcp.factor, 0.5);
}

TEST_F(HealthProbesTest, TheNewestProbeIsReported) {
    world.keep(kService, "1.1.1.1");
    watch().last.at_ms = 1234;
    watch().last.result = {spi::ProbeResult::Outcome::kFailedNow, "refused"};
    std::vector<ProbeReport> reports = report();
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].type, "TCP");
    EXPECT_EQ(reports[0].last.at_ms, 1234);
    EXPECT_EQ(reports[0].last.result.reason, "refused");
    set_checker(R"({"type":"NONE"})");
    reports = report();
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].type, "NONE");
    EXPECT_EQ(reports[0].last.result.reason,
              "the health checker of cluster DEFAULT is NONE: health is set by operators");
}

TEST_F(HealthProbesTest, WithoutAnEngineTheReportSaysSo) {
    World without(&store);
    without.keep(kService, "1.1.1.1");
    std::vector<ProbeReport> got;
    without.persistent.probes().report(without.registry.find(kService),
                                       [&](auto reports) { got = std::move(reports); });
    without.executors.run();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].last.result.reason, "the plugin 'health' is not loaded, nothing is probed");
}

TEST_F(HealthProbesTest, NothingIsProbedAfterTheStop) {
    world.keep(kService, "1.1.1.1");
    world.persistent.stop(1s);
    EXPECT_TRUE(engine.watches.empty());
}

}  // namespace
}  // namespace pharos::naming
