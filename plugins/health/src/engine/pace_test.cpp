#include "engine/pace.hpp"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace pharos::health {
namespace {

using namespace std::chrono_literals;
using Outcome = spi::ProbeResult::Outcome;

/// `protocol/naming.md §4.2`: the defaults of the switches.
const spi::ProbePace kTcp{1s, 5s, 0.75};
const spi::ProbePace kHttp{500ms, 5s, 0.85};

TEST(HealthPace, DefaultsAreThoseOfTheProtocol) {
    const spi::HealthPolicy policy;
    EXPECT_EQ(policy.tcp.min, kTcp.min);
    EXPECT_EQ(policy.tcp.max, kTcp.max);
    EXPECT_EQ(policy.tcp.factor, kTcp.factor);
    EXPECT_EQ(policy.http.min, kHttp.min);
    EXPECT_EQ(policy.http.max, kHttp.max);
    EXPECT_EQ(policy.http.factor, kHttp.factor);
    EXPECT_EQ(policy.times, 3u);
}

/// next = clamp(factor × current + (1 − factor) × rt, min, max)
TEST(HealthPace, NextInterval) {
    EXPECT_EQ(next_interval(kTcp, 2000ms, 4000ms), 2500ms);
    EXPECT_EQ(next_interval(kTcp, 4900ms, 9800ms), 5000ms);
    EXPECT_EQ(next_interval(kTcp, 1200ms, 100ms), 1000ms);
    EXPECT_EQ(next_interval(kHttp, 1000ms, 2000ms), 1150ms);
    EXPECT_EQ(next_interval(kHttp, 550ms, 1ms), 500ms);
    EXPECT_EQ(next_interval(kTcp, 7000ms, 7000ms), 5000ms);
}

TEST(HealthPace, WhatACheckCosts) {
    EXPECT_EQ(cost_of(Outcome::kPassed, kTcp, 2s, 30ms), 30ms);
    EXPECT_EQ(cost_of(Outcome::kFailed, kTcp, 2s, 30ms), 4s);
    EXPECT_EQ(cost_of(Outcome::kFailedNow, kTcp, 2s, 30ms), 5s);
}

// `protocol/naming.md §4.2`: what the reference makes of it, in whole milliseconds. It cuts off the fractions at each
// step, ours keeps them.
void expect_intervals(const spi::ProbePace& pace, std::chrono::milliseconds began, Outcome outcome, spi::Duration took,
                      const std::vector<int>& known) {
    spi::Duration interval = began;
    for (const int next : known) {
        interval = next_interval(pace, interval, cost_of(outcome, pace, interval, took));
        EXPECT_EQ(std::chrono::duration_cast<std::chrono::milliseconds>(interval).count(), next);
        interval = std::chrono::milliseconds(next);
    }
}

TEST(HealthPace, WhoAnswersFastEndsUpAtTheMinimum) {
    expect_intervals(kTcp, 4000ms, Outcome::kPassed, 10ms, {3002, 2254, 1693, 1272, 1000, 1000});
    expect_intervals(kTcp, 4000ms, Outcome::kPassed, 250ms, {3062, 2359, 1831, 1435, 1138, 1000});
    expect_intervals(kHttp, 4000ms, Outcome::kPassed, 20ms,
                     {3403, 2895, 2463, 2096, 1784, 1519, 1294, 1102, 939, 801, 683, 583, 500, 500});
}

TEST(HealthPace, WhoFailsEndsUpAtTheMaximum) {
    expect_intervals(kTcp, 1000ms, Outcome::kFailed, 500ms, {1250, 1562, 1952, 2440, 3050, 3812, 4765, 5000, 5000});
    expect_intervals(kTcp, 1000ms, Outcome::kFailedNow, 1ms, {2000, 2750, 3312, 3734, 4050, 4287});
    expect_intervals(
        kHttp, 500ms, Outcome::kFailed, 500ms,
        {575, 661, 760, 874, 1005, 1155, 1328, 1527, 1756, 2019, 2321, 2669, 3069, 3529, 4058, 4666, 5000, 5000});
}

TEST(HealthPace, NonsenseIsBounded) {
    const spi::ProbePace pace = sane({0s, -1s, std::numeric_limits<double>::quiet_NaN()});
    EXPECT_EQ(pace.min, 100ms);
    EXPECT_EQ(pace.max, 100ms);
    EXPECT_EQ(pace.factor, 0.75);
    EXPECT_EQ(sane({1s, 1000h, 7.0}).max, 24h);
    EXPECT_EQ(sane({1s, 5s, 7.0}).factor, 1.0);
    EXPECT_EQ(sane(kHttp).min, 500ms);
}

}  // namespace
}  // namespace pharos::health
