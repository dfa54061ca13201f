#include "index/clock_mark.hpp"

#include <gtest/gtest.h>

#include "testing.hpp"

namespace pharos::naming {
namespace {

TEST(ClockMark, TimesGrowOverARestartWithAWallClockThatWasSetBack) {
    MemoryKvStore store;
    testing::ManualClock wall;
    std::int64_t last = 0;
    for (int run = 0; run < 3; ++run) {
        HybridClock clock(wall);
        ClockMark mark(clock, &store);
        mark.restore();
        EXPECT_GT(clock.next(), last);
        wall.wall += 20'000;
        mark.save();
        wall.wall += 30'000;
        last = clock.next();
        wall.wall -= 3'600'000;
    }
}

TEST(ClockMark, WorksWithoutAStore) {
    testing::ManualClock wall;
    HybridClock clock(wall);
    ClockMark mark(clock, nullptr);
    mark.restore();
    EXPECT_GE(clock.next(), wall.wall);
}

}  // namespace
}  // namespace pharos::naming
