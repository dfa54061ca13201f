#include "state/switches.hpp"

#include <gtest/gtest.h>

#include "testing.hpp"

namespace pharos::naming {
namespace {

std::string json_of(const SwitchDomain& domain) {
    std::string out;
    sdk::JsonWriter json(out);
    append_json(json, domain);
    return out;
}

// `protocol/naming.md §7.4`: members, defaults and their order.
TEST(SwitchDomain, Defaults) {
    EXPECT_EQ(json_of({}),
              R"({"masters":null,"adWeightMap":{},"defaultPushCacheMillis":10000,"clientBeatInterval":5000,)"
              R"("defaultCacheMillis":3000,"distroThreshold":0.7,"healthCheckEnabled":true,)"
              R"("autoChangeHealthCheckEnabled":true,"distroEnabled":true,"enableStandalone":true,"pushEnabled":true,)"
              R"("checkTimes":3,"httpHealthParams":{"max":5000,"min":500,"factor":0.85},)"
              R"("tcpHealthParams":{"max":5000,"min":1000,"factor":0.75},)"
              R"("mysqlHealthParams":{"max":3000,"min":2000,"factor":0.65},"incrementalList":[],)"
              R"("serverStatusSynchronizationPeriodMillis":2000,"serviceStatusSynchronizationPeriodMillis":5000,)"
              R"("disableAddIP":false,"sendBeatOnly":false,"lightBeatEnabled":true,"limitedUrlMap":{},)"
              R"("distroServerExpiredMillis":10000,"pushVersionOfGo":"0.1.0","pushVersionOfJava":"0.1.0",)"
              R"("pushVersionOfPython":"0.4.3","pushVersionOfC":"1.0.12","pushVersionOfCsharp":"0.9.0",)"
              R"("enableAuthentication":false,"overriddenServerStatus":null,"defaultInstanceEphemeral":true,)"
              R"("healthCheckWhiteList":[],"name":"00-00---000-NACOS_SWITCH_DOMAIN-000---00-00","checksum":null})");
}

TEST(SwitchDomain, EverythingThatCanBeSetComesBack) {
    SwitchDomain domain;
    const std::pair<const char*, const char*> turns[] = {
        {"distroThreshold", "0.9"},
        {"clientBeatInterval", "7000"},
        {"pushVersion", "java:1.2.3"},
        {"pushVersion", "go:1.2.4"},
        {"pushVersion", "c:1.2.5"},
        {"pushVersion", "python:1.2.6"},
        {"pushVersion", "csharp:10.20.30"},
        {"pushCacheMillis", "20000"},
        {"defaultCacheMillis", "1000"},
        {"masters", "1.1.1.1,1.1.1.2"},
        {"distro", "false"},
        {"check", "false"},
        {"pushEnabled", "FALSE"},
        {"serviceStatusSynchronizationPeriodMillis", "1000"},
        {"serverStatusSynchronizationPeriodMillis", "1001"},
        {"healthCheckTimes", "5"},
        {"disableAddIP", "true"},
        {"sendBeatOnly", "true"},
        {"autoChangeHealthCheckEnabled", "false"},
        {"limitedUrlMap", "/nacos/v1/ns/a:503,/nacos/v1/ns/b:404"},
        {"overriddenServerStatus", "READ_ONLY"},
        {"defaultInstanceEphemeral", "false"},
        {"distroServerExpiredMillis", "1"},
        {"lightBeatEnabled", "false"},
        {"httpHealthParams", R"({"max":4000,"min":600,"factor":0.5})"},
        {"tcpHealthParams", R"({"max":4001,"min":601,"factor":0.6})"},
        {"mysqlHealthParams", R"({"max":1,"min":2,"factor":7.0})"},
    };
    for (const auto& [entry, value] : turns) {
        const SwitchDomain before = domain;
        EXPECT_TRUE(apply_switch(domain, entry, value)) << entry;
        EXPECT_NE(domain, before) << entry;
    }
    EXPECT_EQ(domain.push_version_csharp, "10.20.30");
    EXPECT_EQ(domain.limited_url_map.at("/nacos/v1/ns/b"), 404);
    EXPECT_EQ(parse_switches(json_of(domain)), domain);
    EXPECT_TRUE(apply_switch(domain, "overriddenServerStatus", "null"));
    EXPECT_EQ(domain.overridden_server_status, "");
}

TEST(SwitchDomain, WrongValuesGetTheProtocolsText) {
    const std::tuple<const char*, const char*, const char*> wrong[] = {
        {"distroThreshold", "0", "distroThreshold can not be zero or negative: 0.0"},
        {"distroThreshold", "-1", "distroThreshold can not be zero or negative: -1.0"},
        {"clientBeatInterval", "abc", "For input string: \"abc\""},
        {"pushVersion", "java:1.2", "illegal version, must match: [0-9]+\\.[0-9]+\\.[0-9]+"},
        {"pushVersion", "java:1..2", "illegal version, must match: [0-9]+\\.[0-9]+\\.[0-9]+"},
        {"pushVersion", "java", "illegal version, must match: [0-9]+\\.[0-9]+\\.[0-9]+"},
        {"pushVersion", "perl:1.2.3", "unsupported client type: perl"},
        {"pushCacheMillis", "9999", "min cache time for http or tcp is too small(<10000)"},
        {"defaultCacheMillis", "999", "min default cache time  is too small(<1000)"},
        {"serviceStatusSynchronizationPeriodMillis", "999",
         "serviceStatusSynchronizationPeriodMillis is too small(<5000)"},
        {"serverStatusSynchronizationPeriodMillis", "999",
         "serverStatusSynchronizationPeriodMillis is too small(<15000)"},
        {"limitedUrlMap", "nonsense", "invalid input for limited urls"},
        {"httpHealthParams", "x", "json param invalid."},
        {"httpHealthParams", R"({"min":499})", "min check time for http or tcp is too small(<500)"},
        {"tcpHealthParams", R"({"max":2999})", "max check time for http or tcp is too small(<3000)"},
        {"tcpHealthParams", R"({"factor":1.5})", "malformed factor"},
        {"mysqlHealthParams", "[]", "json param invalid."},
        {"overriddenServerStatus", "FINE",
         "overriddenServerStatus 'FINE' is none of UP, DOWN, STARTING, PAUSED, WRITE_ONLY, READ_ONLY, null"},
    };
    for (const auto& [entry, value, message] : wrong) {
        SwitchDomain domain;
        const spi::Status status = apply_switch(domain, entry, value);
        EXPECT_EQ(status.code(), spi::Code::kInvalidArgument) << entry << ' ' << value;
        EXPECT_EQ(status.message(), message);
        EXPECT_EQ(domain, SwitchDomain{}) << entry << ' ' << value;
    }
}

TEST(SwitchDomain, AnUnknownEntryIsOkAndChangesNothing) {
    SwitchDomain domain;
    EXPECT_TRUE(apply_switch(domain, "healthCheckEnabled", "false"));  // the member's name, which is no entry
    EXPECT_EQ(domain, SwitchDomain{});
}

TEST(Switches, AreStoredUnlessForDebugging) {
    testing::MemoryStore store;
    const auto turn = [&](Switches& switches, std::string entry, std::string value, bool debug) {
        std::string said = "not answered";
        switches.set(std::move(entry), std::move(value), debug,
                     [&](const spi::Result<bool>& outcome) { said = outcome ? "" : outcome.error().message(); });
        return said;
    };
    int changes = 0;
    {
        Switches switches;
        switches.on_change([&] { ++changes; });
        ASSERT_TRUE(switches.start(&store));
        EXPECT_EQ(turn(switches, "pushCacheMillis", "20000", false), "");
        EXPECT_EQ(switches.cache_millis(), 20000);
        EXPECT_EQ(changes, 1);
        EXPECT_EQ(turn(switches, "pushEnabled", "false", true), "");
        EXPECT_FALSE(switches.push_enabled());
        EXPECT_EQ(turn(switches, "pushCacheMillis", "1", false), "min cache time for http or tcp is too small(<10000)");
        EXPECT_EQ(turn(switches, "pushCacheMillis", "1", true), "min cache time for http or tcp is too small(<10000)");
        store.failure = spi::Status(spi::Code::kInternal, "the disk is full");
        EXPECT_EQ(turn(switches, "check", "false", false), "the disk is full");
        EXPECT_TRUE(switches.health_check_enabled());
        store.failure = {};
    }
    Switches again;
    ASSERT_TRUE(again.start(&store));
    EXPECT_EQ(again.cache_millis(), 20000);
    EXPECT_TRUE(again.push_enabled());
}

TEST(Switches, TwoChangesAtOnceBothStay) {
    testing::MemoryStore store;
    Switches switches;
    ASSERT_TRUE(switches.start(&store));
    store.manual = true;
    int done = 0;
    for (const char* entry : {"check", "pushEnabled"}) {
        switches.set(entry, "false", false, [&](const spi::Result<bool>& outcome) { done += outcome ? 1 : 0; });
    }
    store.flush();
    EXPECT_EQ(done, 2);
    EXPECT_FALSE(switches.push_enabled());
    EXPECT_FALSE(switches.health_check_enabled());
}

// `protocol/naming.md §3.4`: pushEnabled=false pauses; nothing is lost.
TEST(Switches, PushesThatWereHeldBackGoOutAfterwards) {
    const ServiceKey service{"public", "DEFAULT_GROUP", "s1"};
    World world;
    const ClientPtr early = world.connect(1);
    world.subscribe(early, service);
    world.connections.ack();
    EXPECT_EQ(world.turn("pushEnabled", "false"), "");
    std::int64_t replied = 0;
    world.registry.subscribe(world.connect(2), service, "", [&](const spi::Result<TiePtr>& outcome) {
        replied = outcome.value()->service->snapshot()->last_ref_time();
    });
    world.publish(world.connect(3), service, "1.1.1.1");
    world.executors.advance(std::chrono::seconds(60));
    EXPECT_TRUE(world.connections.pushes.empty());
    EXPECT_EQ(world.turn("pushEnabled", "true"), "");
    ASSERT_EQ(world.connections.pushes.size(), 2u);
    while (!world.connections.pushes.empty()) {
        const auto push = world.connections.ack();
        EXPECT_NE(push.members.find("1.1.1.1"), std::string::npos);
        const std::size_t at = push.members.find("\"lastRefTime\":") + 14;
        EXPECT_GT(std::stoll(push.members.substr(at)), replied);
    }
    world.publish(world.connect(4), service, "1.1.1.2");
    world.executors.advance(std::chrono::seconds(1));
    EXPECT_EQ(world.connections.pushes.size(), 2u);
}

TEST(Switches, CacheMillisIsInEveryServiceInfo) {
    World world;
    world.turn("pushCacheMillis", "30000");
    world.subscribe(world.connect(1), {"public", "DEFAULT_GROUP", "s1"});
    EXPECT_NE(world.connections.ack().members.find(R"("cacheMillis":30000)"), std::string::npos);
}

}  // namespace
}  // namespace pharos::naming
