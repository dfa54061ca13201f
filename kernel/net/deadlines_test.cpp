#include "net/deadlines.hpp"

#include <gtest/gtest.h>

namespace pharos::net {
namespace {

using namespace std::chrono_literals;

TEST(Deadlines, NoneIsTakenEarlyAndAllAreTaken) {
    Deadlines deadlines(100s);
    Deadline soon;
    Deadline late;
    Deadline far;
    EXPECT_EQ(deadlines.add(soon, 100s + 15ms), 100s + 20ms);
    deadlines.add(late, 102s);
    deadlines.add(far, 110s);
    EXPECT_EQ(deadlines.next(), 100s + 20ms);
    EXPECT_EQ(deadlines.take(100s + 19ms), nullptr);
    EXPECT_EQ(deadlines.take(100s + 20ms), &soon);
    EXPECT_EQ(deadlines.take(101s + 990ms), nullptr);
    EXPECT_EQ(deadlines.take(102s), &late);
    // Beyond the ring's length it is met on the way, and not taken.
    while (deadlines.next() && *deadlines.next() < 110s) {
        EXPECT_EQ(deadlines.take(*deadlines.next()), nullptr);
    }
    EXPECT_EQ(deadlines.next(), spi::Duration(110s));
    EXPECT_EQ(deadlines.take(110s), &far);
    EXPECT_EQ(deadlines.next(), std::nullopt);
    EXPECT_EQ(deadlines.any(), nullptr);
}

TEST(Deadlines, OneJumpOverTheWholeRingTakesWhatIsDueAndKeepsTheRest) {
    Deadlines deadlines(0s);
    Deadline due;
    Deadline later;
    deadlines.add(due, 20s);
    deadlines.add(later, 100s);
    EXPECT_EQ(deadlines.take(50s), &due);
    EXPECT_EQ(deadlines.take(50s), nullptr);
    EXPECT_EQ(deadlines.take(99s + 990ms), nullptr);
    EXPECT_EQ(deadlines.take(100s), &later);
}

TEST(Deadlines, WhoLeavesIsNotTaken) {
    Deadlines deadlines(0s);
    Deadline left;
    deadlines.add(left, 1s);
    {
        Deadline destroyed;
        deadlines.add(destroyed, 1s);
    }
    EXPECT_EQ(deadlines.any(), &left);
    left.leave();
    left.leave();
    EXPECT_EQ(deadlines.take(2s), nullptr);
    EXPECT_EQ(deadlines.any(), nullptr);
}

}  // namespace
}  // namespace pharos::net
