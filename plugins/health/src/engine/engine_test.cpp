#include "engine/engine.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "engine/engine_fixture.hpp"

namespace pharos::health {
namespace {

using namespace std::chrono_literals;

TEST_F(HealthEngineTest, TheFirstProbeComesAfterTwoToSevenSeconds) {
    spi::Duration earliest = 100s;
    spi::Duration latest = 0s;
    for (int i = 0; i < 200; ++i) {
        begin();
        EXPECT_EQ(watch->last().at_ms, 0);
        EXPECT_EQ(watch->last().result.reason, "not probed yet");
        const spi::Duration waited = until_probed(tcp);
        earliest = std::min(earliest, waited);
        latest = std::max(latest, waited);
        tcp.answer(Outcome::kPassed);
    }
    EXPECT_GE(earliest, 2s);
    EXPECT_LT(earliest, 2500ms);
    EXPECT_GT(latest, 4s);
    EXPECT_LE(latest, 7100ms);
}

TEST_F(HealthEngineTest, ManyAtOnceAreSpreadEvenly) {
    tcp.answers_in_call = true;
    constexpr int kCount = 20'000;
    for (int i = 0; i < kCount; ++i) {
        watches.push_back(engine->watch(target(), [](bool, std::string_view) {}));
    }
    executors.advance(2s);
    double before = metric("probes_total{TCP,passed}");
    double most = 0;
    for (int i = 0; i < 50; ++i) {  // 2 s to 7 s
        executors.advance(100ms);
        const double now = metric("probes_total{TCP,passed}");
        most = std::max(most, now - before);
        before = now;
    }
    EXPECT_GE(before, kCount);
    // Evenly: 400 first probes in 100 ms, and second ones of who was early.
    EXPECT_LT(most, 1000);
}

TEST_F(HealthEngineTest, WhomToProbeAndForHowLong) {
    begin();
    until_probed(tcp);
    EXPECT_EQ(tcp.asked.front().ip, "10.0.0.1");
    EXPECT_EQ(tcp.asked.front().port, 8080);
    EXPECT_EQ(tcp.asked.front().timeout, 500ms);
}

TEST_F(HealthEngineTest, ThreeFailuresInARowMakeUnhealthy) {
    begin();
    probe(tcp, Outcome::kFailed, "slow");
    probe(tcp, Outcome::kFailed, "slow");
    probe(tcp, Outcome::kPassed);
    probe(tcp, Outcome::kFailed, "slow");
    probe(tcp, Outcome::kFailed, "slow");
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(watch->last().in_a_row, 2u);
    probe(tcp, Outcome::kFailed, "too slow");
    ASSERT_EQ(told.size(), 1u);
    EXPECT_FALSE(told[0].healthy);
    EXPECT_EQ(told[0].reason, "too slow");
    EXPECT_EQ(
        log.count("target is unhealthy target=public DEFAULT_GROUP@@orders DEFAULT 10.0.0.1:8080 reason=too slow"), 1u);
}

TEST_F(HealthEngineTest, ThreeSuccessesInARowMakeHealthy) {
    begin(target("TCP", false));
    probe(tcp, Outcome::kPassed);
    probe(tcp, Outcome::kPassed);
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kPassed);
    probe(tcp, Outcome::kPassed);
    EXPECT_TRUE(told.empty());
    probe(tcp, Outcome::kPassed, "");
    ASSERT_EQ(told.size(), 1u);
    EXPECT_TRUE(told[0].healthy);
    EXPECT_EQ(log.count("target is healthy"), 1u);
}

TEST_F(HealthEngineTest, FailNowNeedsOne) {
    begin();
    probe(tcp, Outcome::kFailedNow, "refused");
    ASSERT_EQ(told.size(), 1u);
    EXPECT_FALSE(told[0].healthy);
    EXPECT_EQ(told[0].reason, "refused");
}

TEST_F(HealthEngineTest, ToldAfterEachProbeUntilItIsSettled) {
    begin();
    probe(tcp, Outcome::kFailedNow);
    probe(tcp, Outcome::kFailed);
    EXPECT_EQ(told.size(), 2u);
    watch->assume(false);
    probe(tcp, Outcome::kFailedNow);
    EXPECT_EQ(told.size(), 2u);
    EXPECT_EQ(log.count("target is unhealthy"), 1u);
}

TEST_F(HealthEngineTest, WhatSomebodySaysIsContradictedByNewProbesOnly) {
    begin();
    for (int i = 0; i < 5; ++i) {
        probe(tcp, Outcome::kFailed);
    }
    told.clear();
    watch->assume(false);  // what the probes said
    EXPECT_EQ(watch->last().in_a_row, 5u);
    watch->assume(true);
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kFailed);
    EXPECT_TRUE(told.empty());
    watch->update(target("TCP", false));
    watch->update(target("TCP", true));
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kFailed);
    EXPECT_TRUE(told.empty());
    probe(tcp, Outcome::kFailed);
    EXPECT_EQ(told.size(), 1u);
}

TEST_F(HealthEngineTest, TheNumberInARowIsLive) {
    begin();
    engine->set_policy({.times = 1});
    probe(tcp, Outcome::kFailed);
    EXPECT_EQ(told.size(), 1u);
}

TEST_F(HealthEngineTest, WhatCouldNotBeProbedChangesNothing) {
    begin();
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kFailed);
    for (int i = 0; i < 5; ++i) {
        probe(tcp, Outcome::kNotProbed, "no descriptors");
    }
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(watch->last().result.reason, "no descriptors");
    EXPECT_EQ(watch->last().in_a_row, 0u);
    probe(tcp, Outcome::kFailed);
    EXPECT_EQ(told.size(), 1u);
}

TEST_F(HealthEngineTest, TheNewestProbeIsShown) {
    begin();
    until_probed(tcp);
    executors.advance(30ms);
    tcp.answer(Outcome::kFailed, "slow");
    const spi::LastProbe last = watch->last();
    EXPECT_EQ(last.at_ms, executors.time.wall);
    EXPECT_EQ(last.result.outcome, Outcome::kFailed);
    EXPECT_EQ(last.result.reason, "slow");
    EXPECT_EQ(last.took, 30ms);
    EXPECT_EQ(last.in_a_row, 1u);
}

/// `protocol/naming.md §4.2`: fail now costs the maximum: 0.75 × 2000 + 0.25 × 5000.
TEST_F(HealthEngineTest, AReasonIsTextWhateverATargetSent) {
    begin();
    engine->set_policy({.times = 1});
    probe(tcp, Outcome::kFailed, "it says '\xFF\n'");
    const std::string shown = R"(it says '\xff\x0a')";
    EXPECT_EQ(watch->last().result.reason, shown);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].reason, shown);
}

TEST_F(HealthEngineTest, TheIntervalFollowsTheFormula) {
    engine->set_policy({.tcp = {2s, 5s, 0.75}});
    begin();
    probe(tcp, Outcome::kPassed);
    spi::Duration interval = watch->last().interval;
    for (int i = 0; i < 3; ++i) {
        probe(tcp, Outcome::kFailedNow);
        interval = std::min<spi::Duration>(interval * 3 / 4 + 1250ms, 5s);
        EXPECT_LE(watch->last().interval - interval, 1us);
        EXPECT_LE(interval - watch->last().interval, 1us);
    }
    // A failure costs twice the interval.
    probe(tcp, Outcome::kFailed);
    interval = std::min<spi::Duration>(interval * 5 / 4, 5s);
    EXPECT_LE(watch->last().interval - interval, 1us);
    EXPECT_LE(interval - watch->last().interval, 1us);
}

/// `protocol/naming.md §4.2`: healthy targets that answer fast end up at the minimum.
TEST_F(HealthEngineTest, WhoIsWellIsProbedFasterAndFaster) {
    for (const auto& [type, checker, least] : {std::tuple("TCP", &tcp, 1000ms), std::tuple("HTTP", &http, 500ms)}) {
        begin(target(type));
        probe(*checker, Outcome::kPassed);
        spi::Duration before = watch->last().interval;
        for (int i = 0; i < 30; ++i) {
            until_probed(*checker);
            executors.advance(30ms);
            checker->answer(Outcome::kPassed);
            EXPECT_TRUE(watch->last().interval < before || before == least) << type;
            before = watch->last().interval;
        }
        EXPECT_EQ(before, least) << type;
        const spi::Duration waited = until_probed(*checker);
        EXPECT_GE(waited, least - 30ms - least / 40) << type;
        EXPECT_LE(waited, least + least / 40 + 20ms) << type;
        checker->answer(Outcome::kPassed);
    }
}

/// What a probe waits for its turn is in its cost: more targets than the slots can serve are probed less often.
TEST_F(HealthEngineTest, WhoHasToWaitIsProbedLessOften) {
    make({.max_in_flight = 1});
    begin();
    for (int i = 0; i < 9; ++i) {
        watches.push_back(engine->watch(target(), [](bool, std::string_view) {}));
    }
    for (int i = 0; i < 200; ++i) {
        until_probed(tcp);
        executors.advance(400ms);
        tcp.answer(Outcome::kPassed);
        executors.run();
    }
    EXPECT_GT(watch->last().interval, 1500ms);
}

/// With many targets intervals do not get as short as their pace allows, so that the rate is kept.
TEST_F(HealthEngineTest, ManyTargetsShareTheRate) {
    make({.max_rate = 10});
    tcp.answers_in_call = true;
    begin();
    for (int i = 0; i < 29; ++i) {
        watches.push_back(engine->watch(target(), [](bool, std::string_view) {}));
    }
    watches.push_back(engine->watch(target("NONE"), [](bool, std::string_view) {}));  // is not probed
    executors.advance(60s);
    EXPECT_EQ(watch->last().interval, 3s);
    for (int i = 0; i < 40; ++i) {
        watches.push_back(engine->watch(target(), [](bool, std::string_view) {}));
    }
    executors.advance(60s);
    EXPECT_EQ(watch->last().interval, 5s) << "the longest";
    watches.clear();
    executors.advance(60s);
    EXPECT_EQ(watch->last().interval, 1s);
}

TEST_F(HealthEngineTest, AnIntervalVariesALittle) {
    engine->set_policy({.tcp = {5s, 5s, 0.75}});
    begin();
    probe(tcp, Outcome::kPassed);
    probe(tcp, Outcome::kPassed);
    std::set<spi::Duration> all;
    for (int i = 0; i < 20; ++i) {
        const spi::Duration waited = until_probed(tcp);
        tcp.answer(Outcome::kPassed);
        all.insert(waited);
        EXPECT_GE(waited, 4800ms);
        EXPECT_LE(waited, 5200ms);
    }
    EXPECT_GT(all.size(), 3u);
}

/// `protocol/naming.md §4.2`: a check still running: skip, and 2 × the interval is what it is held to have cost.
TEST_F(HealthEngineTest, AProbeStillRunningIsNotBegunAgain) {
    engine->set_policy({.tcp = {400ms, 5s, 0.75}, .http = {400ms, 400ms, 0.85}});
    begin(target("HTTP"));
    probe(http, Outcome::kPassed);
    probe(http, Outcome::kPassed);
    until_probed(http);
    ASSERT_EQ(watch->last().interval, 400ms);
    engine->set_policy({.http = {400ms, 5s, 0.85}});
    executors.advance(450ms);
    EXPECT_EQ(http.asked.size(), 1u);
    EXPECT_EQ(watch->last().interval, 460ms);  // 0.85 × 400 + 0.15 × 800
    http.answer(Outcome::kPassed);
    EXPECT_TRUE(told.empty());
}

TEST_F(HealthEngineTest, AProbeThatIsNeverAnsweredHasFailedAndGivesItsSlotBack) {
    make({.max_in_flight = 1});
    begin(target("REDIS"));
    until_probed(redis);
    EXPECT_EQ(metric("in_flight"), 1);
    executors.advance(800ms);
    EXPECT_EQ(metric("in_flight"), 0);
    EXPECT_EQ(watch->last().result.outcome, Outcome::kFailed);
    EXPECT_EQ(watch->last().result.reason, "the check 'REDIS' gave no answer");
    auto first = std::move(redis.asked.front());
    redis.asked.clear();
    for (int i = 0; i < 2; ++i) {
        until_probed(redis);
        executors.advance(800ms);
        redis.asked.clear();
    }
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(log.count("does not answer in time"), 1u);
    EXPECT_EQ(metric("unanswered_total{REDIS}"), 3);
    // Its late answer changes nothing.
    first.done({});
    first.done({});
    EXPECT_EQ(watch->last().in_a_row, 3u);
    EXPECT_EQ(log.count("too late or twice"), 1u);
    EXPECT_EQ(metric("probes_total{REDIS,failed}"), 3);
}

TEST_F(HealthEngineTest, TheSecondAnswerIsIgnored) {
    begin(target("REDIS"));
    until_probed(redis);
    auto asked = std::move(redis.asked.front());
    redis.asked.clear();
    asked.done({});
    asked.done({Outcome::kFailedNow, "no"});
    executors.run();
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(watch->last().result.outcome, Outcome::kPassed);
    EXPECT_EQ(log.count("too late or twice"), 1u);
}

TEST_F(HealthEngineTest, AnAnswerMayComeInTheCall) {
    redis.answers_in_call = true;
    begin(target("REDIS", false));
    executors.advance(20s);
    EXPECT_FALSE(told.empty());
    EXPECT_TRUE(told[0].healthy);
}

TEST_F(HealthEngineTest, NoMoreAtOnceThanAllowedAndInTurn) {
    make({.max_in_flight = 10});
    engine->set_policy({.tcp = {1s, 1s, 0.75}});
    for (std::uint16_t i = 0; i < 40; ++i) {
        spi::CheckTarget wanted = target();
        wanted.port = static_cast<std::uint16_t>(1000 + i);
        watches.push_back(engine->watch(wanted, [](bool, std::string_view) {}));
    }
    for (int i = 0; i < 200 && metric("waiting") < 10; ++i) {
        executors.advance(20ms);
    }
    EXPECT_EQ(metric("in_flight"), 10);
    EXPECT_EQ(tcp.asked.size(), 10u);
    std::map<std::uint16_t, int> probes;
    for (int i = 0; i < 400; ++i) {
        if (tcp.asked.empty()) {
            executors.advance(20ms);
            continue;
        }
        ASSERT_LE(tcp.asked.size(), 10u);
        ++probes[tcp.asked.front().port];
        tcp.answer(Outcome::kPassed);
        executors.advance(20ms);  // 50 a second for 40 targets that want one a second
    }
    ASSERT_EQ(probes.size(), 40u);
    const auto [fewest, most] = std::minmax_element(probes.begin(), probes.end(),
                                                    [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_LE(most->second - fewest->second, 3);
}

TEST_F(HealthEngineTest, ATypeThatNeverAnswersDoesNotStarveTheOthers) {
    make({.max_in_flight = 10});
    engine->set_policy({.tcp = {1s, 1s, 0.75}});
    tcp.answers_in_call = true;
    for (int i = 0; i < 200; ++i) {
        watches.push_back(engine->watch(target("REDIS"), [](bool, std::string_view) {}));
    }
    begin();
    executors.advance(60s);
    EXPECT_GE(metric("waiting"), 100);
    // One a second, but that it may have to wait 750 ms for a slot.
    EXPECT_GE(metric("probes_total{TCP,passed}"), 25);
}

TEST_F(HealthEngineTest, WithoutAProviderNobodyIsProbed) {
    begin(target("mysql"));
    EXPECT_EQ(watch->last().at_ms, 0);
    EXPECT_EQ(watch->last().result.reason, "no enabled plugin offers the health check 'MYSQL'");
    executors.advance(60s);
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(metric("targets{unknown,unprobed}"), 1);
    EXPECT_EQ(executors.timer_queue.armed(), 0u);
}

TEST_F(HealthEngineTest, NoneProbesNobody) {
    begin(target("none"));
    executors.advance(60s);
    EXPECT_EQ(watch->last().at_ms, 0);
    EXPECT_EQ(watch->last().result.reason, "the health check 'NONE' probes nobody");
    EXPECT_EQ(metric("targets{NONE,unprobed}"), 1);
}

TEST_F(HealthEngineTest, SettingsThatAreRefusedAreShown) {
    redis.failure = {spi::Code::kInvalidArgument, "db: 'x' is not a number"};
    begin(target("redis"));
    executors.advance(60s);
    EXPECT_EQ(watch->last().result.reason, "db: 'x' is not a number");
    // They are put right.
    redis.failure = {};
    spi::CheckTarget right = target("redis");
    right.settings = {{"type", "redis"}, {"db", "1"}};
    watch->update(right);
    until_probed(redis);
    EXPECT_EQ(redis.configured.back(), right.settings);
}

TEST_F(HealthEngineTest, EqualSettingsMakeOneCheck) {
    for (int i = 0; i < 10; ++i) {
        spi::CheckTarget wanted = target(i % 2 == 0 ? "redis" : "REDIS");
        wanted.settings = {{"db", "1"}};
        watches.push_back(engine->watch(wanted, [](bool, std::string_view) {}));
    }
    EXPECT_EQ(redis.configured.size(), 1u);
    begin(target("redis"));
    EXPECT_EQ(redis.configured.size(), 2u);
}

TEST_F(HealthEngineTest, SwitchedOffAllKeepTheirState) {
    begin();
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kFailed);
    until_probed(tcp);
    engine->set_policy({.enabled = false});
    tcp.answer(Outcome::kFailed);
    executors.advance(60s);
    EXPECT_TRUE(told.empty());
    EXPECT_TRUE(tcp.asked.empty());
    engine->set_policy({});
    probe(tcp, Outcome::kFailed);
    EXPECT_EQ(told.size(), 1u);
}

TEST_F(HealthEngineTest, AnUpdateChangesWhomIsProbedAndCountsAnew) {
    begin();
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kFailed);
    until_probed(tcp);
    spi::CheckTarget moved = target();
    moved.port = 9090;
    watch->update(moved);
    tcp.answer(Outcome::kFailed);  // of the old port
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(watch->last().at_ms, 0);
    until_probed(tcp);
    EXPECT_EQ(tcp.asked.front().port, 9090);
    tcp.answer(Outcome::kFailed);
    executors.run();
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(watch->last().in_a_row, 1u);
    // Another name changes nothing of that.
    moved.name = "other";
    watch->update(moved);
    EXPECT_EQ(watch->last().in_a_row, 1u);
    watch->update(target("HTTP"));
    until_probed(http);
    EXPECT_TRUE(tcp.asked.empty());
    watch->update(target("NONE"));
    http.answer(Outcome::kFailedNow);
    executors.advance(30s);
    EXPECT_TRUE(told.empty());
    EXPECT_TRUE(http.asked.empty());
}

TEST_F(HealthEngineTest, WhoIsNotWatchedIsNotProbed) {
    begin();
    until_probed(tcp);
    watch.reset();
    tcp.answer(Outcome::kFailedNow);
    executors.advance(30s);
    EXPECT_TRUE(told.empty());
    EXPECT_TRUE(tcp.asked.empty());
    EXPECT_EQ(metric("targets{TCP,healthy}"), 0);
    EXPECT_EQ(metric("in_flight"), 0);
    EXPECT_EQ(executors.timer_queue.armed(), 0u);
}

TEST_F(HealthEngineTest, OneThatWaitsForASlotMayGo) {
    make({.max_in_flight = 1});
    begin();
    for (int i = 0; i < 5; ++i) {
        watches.push_back(engine->watch(target(), [](bool, std::string_view) {}));
    }
    executors.advance(7s);
    EXPECT_GE(metric("waiting"), 1);
    watches.clear();
    watch.reset();
    EXPECT_EQ(metric("waiting"), 0);
    executors.advance(7s);
    EXPECT_EQ(metric("in_flight"), 0);
}

TEST_F(HealthEngineTest, OnChangeMaySettleItsOwnTarget) {
    watch = engine->watch(target(), [&](bool healthy, std::string_view) {
        watch->assume(healthy);
        EXPECT_EQ(watch->last().in_a_row, 1u);
        told.push_back({healthy, ""});
    });
    probe(tcp, Outcome::kFailedNow);
    probe(tcp, Outcome::kFailedNow);
    EXPECT_EQ(told.size(), 1u);
    EXPECT_EQ(metric("targets{TCP,unhealthy}"), 1);
    EXPECT_EQ(metric("targets{TCP,healthy}"), 0);
}

TEST_F(HealthEngineTest, AfterTheStopNobodyIsProbedOrTold) {
    begin();
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kFailed);
    until_probed(tcp);
    EXPECT_TRUE(engine->stop(1s));
    tcp.answer(Outcome::kFailed);
    executors.advance(60s);
    EXPECT_TRUE(told.empty());
    EXPECT_TRUE(tcp.asked.empty());
    EXPECT_EQ(metrics.gauges(), 0u);
}

TEST_F(HealthEngineTest, AnAnswerAfterTheEndOfAllIsHarmless) {
    begin();
    until_probed(tcp);
    auto asked = std::move(tcp.asked.front());
    watch.reset();
    engine->stop(1s);
    engine.reset();
    asked.done({});
    asked.done = nullptr;
    make({});
}

TEST_F(HealthEngineTest, ManyThatTurnAtOnceAreNotAllLogged) {
    for (int i = 0; i < 500; ++i) {
        watches.push_back(engine->watch(target(), [](bool, std::string_view) {}));
    }
    executors.advance(3s);
    executors.advance(4s);
    while (!tcp.asked.empty()) {
        tcp.answer(Outcome::kFailedNow, "refused");
    }
    const std::size_t logged = log.count("target is unhealthy");
    EXPECT_GE(logged, 1u);
    EXPECT_LE(logged, 60u);
    executors.advance(10s);
    tcp.asked.clear();
}

}  // namespace
}  // namespace pharos::health
