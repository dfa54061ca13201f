#include "engine/lag.hpp"

#include <gtest/gtest.h>

namespace pharos::health {
namespace {

using namespace std::chrono_literals;

TEST(HealthLag, OnAnIdleMachineThereIsNone) {
    Lag lag;
    EXPECT_EQ(lag.slack(1000s), 0s);
    lag.note(1000s, 0s);
    EXPECT_EQ(lag.slack(1001s), 0s);
    EXPECT_FALSE(lag.was_behind_after(999s));
}

TEST(HealthLag, TheWorstIsForgottenByHalfEachSecond) {
    Lag lag;
    lag.note(1000s, 800ms);
    EXPECT_EQ(lag.slack(1000s), 800ms);
    EXPECT_EQ(lag.slack(1001s), 400ms);
    lag.note(1001s, 100ms);  // less than what is left of the worst
    EXPECT_EQ(lag.slack(1001s), 400ms);
    EXPECT_EQ(lag.slack(1002s), 200ms);
    lag.note(1002s, 300ms);
    EXPECT_EQ(lag.slack(1002s), 300ms);
    EXPECT_LT(lag.slack(1020s), 1ms);
}

TEST(HealthLag, TheSlackIsBounded) {
    Lag lag;
    lag.note(1000s, 3600s);
    EXPECT_EQ(lag.slack(1000s), Lag::kMost);
    EXPECT_LT(lag.slack(1020s), 10ms);
}

TEST(HealthLag, AfterAStandstillItHearsFirstButNotTwiceInARow) {
    Lag lag;
    lag.note(1000s, 30s);
    EXPECT_EQ(lag.judge_from(), 1000s + 250ms);
    lag.note(1000s + 20ms, 10ms);
    EXPECT_EQ(lag.judge_from(), 1000s + 250ms);
    lag.note(1001s, 400ms);
    EXPECT_LE(lag.judge_from(), 1001s);
    lag.note(1002s, 400ms);
    EXPECT_EQ(lag.judge_from(), 1002s + 250ms);
    lag.note(1003s, 0s);
    lag.note(1004s, 400ms);
    EXPECT_EQ(lag.judge_from(), 1004s + 250ms);
}

TEST(HealthLag, WhoBeganAfterwardsWasNotHeldUp) {
    Lag lag;
    lag.note(1000s, Lag::kTolerated);
    EXPECT_FALSE(lag.was_behind_after(999s));
    lag.note(1001s, Lag::kTolerated + 1ms);
    EXPECT_TRUE(lag.was_behind_after(1000s));
    EXPECT_FALSE(lag.was_behind_after(1001s));
}

}  // namespace
}  // namespace pharos::health
