// What the engine makes of probes while this node is short of processors: its own timers come late, and so does all
// else.
#include "engine/engine_fixture.hpp"

namespace pharos::health {
namespace {

class HealthLatenessTest : public HealthEngineTest {
protected:
    /// Nothing of the node runs for a while; then all that is due does.
    void stand_still(spi::Duration duration) {
        executors.time.now += duration;
        executors.run();
    }
};

TEST_F(HealthLatenessTest, AfterAStandstillAnswersAreHeardFirst) {
    begin();
    until_probed(tcp);
    executors.time.now += 30s;  // the node was stopped; the answer is there, but not read yet
    executors.run();
    tcp.answer(Outcome::kPassed);
    executors.run();
    EXPECT_EQ(metric("unanswered_total{TCP}"), 0);
    EXPECT_EQ(watch->last().result.outcome, Outcome::kPassed);
}

/// The net says that the time is over, half of which the node slept.
TEST_F(HealthLatenessTest, ATimeOutOfALateNodeChangesNothing) {
    begin();
    probe(tcp, Outcome::kFailed);
    probe(tcp, Outcome::kFailed);
    const spi::Duration interval = watch->last().interval;
    until_probed(tcp);
    stand_still(600ms);
    tcp.answer(Outcome::kFailed, "has not answered within 500 ms");
    executors.run();
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(watch->last().result.outcome, Outcome::kNotProbed);
    EXPECT_EQ(watch->last().result.reason, "has not answered within 500 ms; not counted, as this node was late itself");
    EXPECT_EQ(watch->last().interval, interval);
    EXPECT_EQ(metric("probes_total{TCP,failed}"), 2);
    EXPECT_EQ(metric("probes_total{TCP,not_probed}"), 1);
    // The failures before it still count.
    probe(tcp, Outcome::kFailed);
    EXPECT_EQ(told.size(), 1u);
}

/// The answer overtakes the engine's own late timer.
TEST_F(HealthLatenessTest, ItIsLateBeforeItHasNoticed) {
    begin();
    until_probed(tcp);
    executors.time.now += 600ms;
    tcp.answer(Outcome::kFailed, "has not answered within 500 ms");
    EXPECT_EQ(watch->last().result.outcome, Outcome::kNotProbed);
}

/// It is no success either: who is away does not come back by it.
TEST_F(HealthLatenessTest, ATimeOutOfALateNodeIsNoSuccess) {
    begin(target("TCP", false));
    probe(tcp, Outcome::kPassed);
    probe(tcp, Outcome::kPassed);
    until_probed(tcp);
    stand_still(600ms);
    tcp.answer(Outcome::kFailed);
    executors.run();
    EXPECT_TRUE(told.empty());
    probe(tcp, Outcome::kPassed);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_TRUE(told[0].healthy);
}

TEST_F(HealthLatenessTest, WhatWasHeardCountsHoweverLate) {
    begin();
    until_probed(tcp);
    stand_still(600ms);
    tcp.answer(Outcome::kFailedNow, "refused");
    executors.run();
    ASSERT_EQ(told.size(), 1u);
    watch->assume(false);
    until_probed(tcp);
    stand_still(600ms);
    tcp.answer(Outcome::kPassed);
    EXPECT_EQ(watch->last().result.outcome, Outcome::kPassed);
    EXPECT_EQ(watch->last().in_a_row, 1u);
}

/// A status that counts, such as 503, is the target's word and no time-out.
TEST_F(HealthLatenessTest, AFailureWithinItsTimeCountsOnALateNodeToo) {
    begin(target("HTTP"));
    until_probed(http);
    stand_still(450ms);
    http.answer(Outcome::kFailed, "status 503");
    EXPECT_EQ(watch->last().result.outcome, Outcome::kFailed);
}

TEST_F(HealthLatenessTest, OnANodeThatIsInTimeATimeOutCounts) {
    begin();
    until_probed(tcp);
    executors.advance(600ms);
    tcp.answer(Outcome::kFailed, "has not answered within 500 ms");
    EXPECT_EQ(watch->last().result.outcome, Outcome::kFailed);
}

/// How long an answer is awaited grows by how late the node has been, and shrinks again.
TEST_F(HealthLatenessTest, AnswersAreAwaitedLongerWhileTheNodeIsLate) {
    begin(target("REDIS"));
    until_probed(redis);
    stand_still(900ms);
    executors.advance(300ms);  // after a standstill alone it would be 250 ms
    EXPECT_EQ(metric("in_flight"), 1);
    redis.answer(Outcome::kPassed);
    EXPECT_EQ(watch->last().result.outcome, Outcome::kPassed);

    redis.answers_in_call = true;
    executors.advance(30s);
    redis.answers_in_call = false;
    until_probed(redis);
    executors.advance(740ms);
    EXPECT_EQ(metric("in_flight"), 1);
    executors.advance(30ms);
    EXPECT_EQ(metric("in_flight"), 0);
    EXPECT_EQ(watch->last().result.outcome, Outcome::kFailed);
}

/// However late the node always is, who never answers fails, after 6 probes of bounded length.
TEST_F(HealthLatenessTest, WhoIsSilentFailsOnABusyNodeToo) {
    for (const spi::Duration late : {400ms, 1000ms, 3000ms}) {
        told.clear();
        begin(target("REDIS"));
        const double failed = metric("probes_total{REDIS,failed}");
        const double excused = metric("probes_total{REDIS,not_probed}");
        until_probed(redis);
        const spi::Duration began = executors.time.now;
        while (told.empty() && executors.time.now - began < 1000s) {
            stand_still(late);
        }
        ASSERT_EQ(told.size(), 1u) << late.count();
        EXPECT_FALSE(told[0].healthy);
        EXPECT_EQ(metric("probes_total{REDIS,failed}") - failed, 3);
        EXPECT_EQ(metric("probes_total{REDIS,not_probed}") - excused, 3);
        // Each may be begun one turn late, is awaited for 2750 ms at most, and judged two turns late; 5 s lie between.
        EXPECT_LT(executors.time.now - began, 6 * (5s + 2750ms + 3 * late));
        EXPECT_EQ(metric("unanswered_total{REDIS}"), 0);  // it need not be its provider's fault
        watch.reset();
        redis.asked.clear();
    }
}

/// Excuses begin anew with a success.
TEST_F(HealthLatenessTest, ASuccessEndsTheRowOfExcuses) {
    begin();
    for (int i = 0; i < 8; ++i) {
        for (int j = 0; j < 3; ++j) {
            until_probed(tcp);
            stand_still(600ms);
            tcp.answer(Outcome::kFailed);
        }
        probe(tcp, Outcome::kPassed);
    }
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(metric("probes_total{TCP,failed}"), 0);
}

/// An engine without targets has no timers; the first one does not find it late.
TEST_F(HealthLatenessTest, IdleIsNotLate) {
    executors.advance(2h);
    begin();
    until_probed(tcp);
    executors.advance(600ms);
    tcp.answer(Outcome::kFailed);
    EXPECT_EQ(watch->last().result.outcome, Outcome::kFailed);
}

}  // namespace
}  // namespace pharos::health
