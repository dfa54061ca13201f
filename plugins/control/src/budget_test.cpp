#include "budget.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace pharos::control {
namespace {

using namespace std::chrono_literals;

constexpr Brake kNone{.from = 1};

struct Counted : Budget {
    explicit Counted(const Rule& rule, const Brake& b = {}) : brake(b) { set(rule); }

    Answer ask(spi::Duration delay = 0s) { return take(now, delay, brake); }
    /// How many of so many at once are taken.
    int taken(int of) {
        int count = 0;
        for (int i = 0; i < of; ++i) {
            count += ask().over ? 0 : 1;
        }
        return count;
    }

    Brake brake;
    spi::Duration now = 1000s;
};

// protocol/core.md §6: ten slots a period, which rotate.
TEST(Budget, WhatWasTakenFallsOutAfterThePeriodSlotBySlot) {
    Counted budget({.max_count = 100, .period = 1s}, kNone);
    EXPECT_EQ(budget.taken(50), 50);
    budget.now += 500ms;
    EXPECT_EQ(budget.taken(100), 50);
    budget.now += 400ms;  // 900 ms: the first slot is still counted
    EXPECT_EQ(budget.taken(100), 0);
    budget.now += 100ms;
    EXPECT_EQ(budget.taken(100), 50);
    budget.now += 10h;
    EXPECT_EQ(budget.taken(200), 100);
}

TEST(Budget, LongPeriods) {
    Counted budget({.max_count = 10, .period = 1h});
    budget.now = 2h;
    EXPECT_EQ(budget.taken(20), 10);
    budget.now += 59min;
    EXPECT_EQ(budget.taken(20), 0);
    budget.now += 7min;
    EXPECT_EQ(budget.taken(20), 10);
}

TEST(Budget, SlowsBeforeItRefuses) {
    Counted budget({.max_count = 100}, {.from = 0.8, .longest = 200ms});
    spi::Duration last{0};
    for (int i = 1; i <= 100; ++i) {
        const Budget::Answer answer = budget.ask();
        ASSERT_FALSE(answer.over) << i;
        if (i <= 80) {
            EXPECT_EQ(answer.delay.count(), 0) << i;
        } else {
            EXPECT_GT(answer.delay, last) << i;
        }
        last = answer.delay;
        if (i == 90) {
            EXPECT_NEAR(static_cast<double>(answer.delay.count()), 100e6, 1e3);  // half of the way
        }
    }
    EXPECT_EQ(last, 200ms);
    EXPECT_TRUE(budget.ask().over) << "no room within 200 ms";
}

TEST(Budget, WhoFindsThePeriodUsedUpWaitsForTheNext) {
    Counted budget({.max_count = 100});
    EXPECT_EQ(budget.taken(100), 100);
    const Budget::Answer next = budget.ask();
    EXPECT_FALSE(next.over);
    EXPECT_EQ(next.delay, 1s);
    budget.now += 50ms;
    EXPECT_EQ(budget.ask().delay, 950ms) << "behind the one that waits";
    EXPECT_LT(budget.taken(1000), 100);
    budget.now += 10ms;
    EXPECT_TRUE(budget.ask().over) << "no room within the longest delay";
}

TEST(Budget, AnotherRulesDelayCounts) {
    Counted budget({.max_count = 10}, kNone);
    EXPECT_EQ(budget.ask(300ms).delay, 300ms);
    EXPECT_EQ(budget.count(budget.now), 0) << "not yet";
    budget.now += 300ms;
    EXPECT_EQ(budget.count(budget.now), 1);
    EXPECT_EQ(budget.taken(20), 9);
}

TEST(Budget, AMonitorTakesAllAndCounts) {
    Counted budget({.max_count = 10, .intercept = false});
    for (int i = 1; i <= 50; ++i) {
        const Budget::Answer answer = budget.ask();
        EXPECT_EQ(answer.over, i > 10);
        EXPECT_EQ(answer.delay.count(), 0);
    }
    EXPECT_EQ(budget.count(budget.now), 50);
}

TEST(Budget, ZeroTakesNothing) {
    for (const Brake& brake : {Brake{}, kNone}) {
        Counted budget({.max_count = 0}, brake);
        EXPECT_EQ(budget.taken(10), 0);
    }
}

TEST(Budget, AnotherLimitKeepsWhatWasCountedAndAnotherPeriodDoesNot) {
    Counted budget({.max_count = 100}, kNone);
    EXPECT_EQ(budget.taken(60), 60);
    budget.set({.max_count = 80});
    EXPECT_EQ(budget.taken(60), 20);
    budget.set({.max_count = 80, .period = 1min});
    EXPECT_EQ(budget.taken(100), 80);
}

/// Clients that ask again 100 ms after their answer.
class ClosedLoop : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Clients, ClosedLoop, ::testing::Values(8, 12, 20, 50, 100));

TEST_P(ClosedLoop, ClientsOverTheLimitAreSlowedAndNotRefused) {
    Counted budget({.max_count = 100});
    std::vector<spi::Duration> ready(GetParam(), budget.now);
    std::map<std::int64_t, int> handled;  // in each tenth of a second
    int asked = 0;
    for (const spi::Duration end = budget.now + 30s; budget.now < end; budget.now += 1ms) {
        for (spi::Duration& one : ready) {
            if (one <= budget.now) {
                const Budget::Answer answer = budget.ask();
                ASSERT_FALSE(answer.over) << "the " << asked << "th";
                ++handled[(budget.now + answer.delay) / 100ms];
                one = budget.now + answer.delay + 100ms;
                ++asked;
            }
        }
    }
    // What they could use of the limit, they use most of.
    const int possible = std::min<int>(100, static_cast<int>(GetParam()) * 10) * 30;
    EXPECT_GT(asked, possible * 7 / 10);
    for (const auto& [slot, count] : handled) {
        int period = 0;
        for (std::int64_t i = slot - 9; i <= slot; ++i) {
            period += handled.contains(i) ? handled[i] : 0;
        }
        EXPECT_LE(period, 100) << slot;
    }
}

}  // namespace
}  // namespace pharos::control
