#include "beat/due_ring.hpp"

#include <gtest/gtest.h>

#include <random>

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

TEST(DueRing, TakesNothingBeforeItIsDueAndAllThatIs) {
    DueRing<int> ring(1h);
    EXPECT_EQ(ring.next(), std::nullopt);
    EXPECT_EQ(ring.add(1h + 15001ms, 1), 1h + 15100ms);
    ring.add(1h + 500ms, 2);
    EXPECT_EQ(ring.next(), 1h + 500ms);
    EXPECT_TRUE(ring.take(1h + 499ms).empty());
    EXPECT_EQ(ring.take(1h + 500ms), std::vector{2});
    EXPECT_TRUE(ring.take(1h + 15099ms).empty());
    EXPECT_EQ(ring.take(1h + 15100ms), std::vector{1});
    EXPECT_EQ(ring.size(), 0u);
}

TEST(DueRing, WhatIsOverdueComesWithTheNextTick) {
    DueRing<int> ring(1h);
    ring.add(10min, 1);
    EXPECT_EQ(ring.take(1h + 100ms), std::vector{1});
}

TEST(DueRing, WhatIsFarAheadComesEarly) {
    DueRing<int> ring(0s);
    const spi::Duration at = ring.add(24h, 1);
    EXPECT_GT(at, 50s);
    EXPECT_LT(at, 52s);
    EXPECT_TRUE(ring.take(at - 1ms).empty());
    EXPECT_EQ(ring.take(at), std::vector{1});
}

TEST(DueRing, ALongPauseLosesNothing) {
    DueRing<int> ring(0s);
    for (int i = 0; i < 600; ++i) {
        ring.add(i * 100ms, i);
    }
    EXPECT_EQ(ring.take(24h).size(), 600u);
    ring.add(24h + 1s, 7);
    EXPECT_EQ(ring.take(24h + 1s), std::vector{7});
}

TEST(DueRing, EverythingComesOnceAndNotEarly) {
    std::mt19937 random(1);
    DueRing<spi::Duration> ring(5s);
    spi::Duration now = 5s;
    std::size_t added = 0;
    std::size_t taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        const spi::Duration due = now + std::chrono::milliseconds(random() % 40'000);
        ring.add(due, due);
        ++added;
        now += std::chrono::milliseconds(random() % 200);
        for (const spi::Duration at : ring.take(now)) {
            EXPECT_LE(at, now);
            EXPECT_LE(now - at, 400ms);
            ++taken;
        }
        ASSERT_EQ(ring.size(), added - taken);
    }
    EXPECT_EQ(ring.take(now + 60s).size(), added - taken);
}

}  // namespace
}  // namespace pharos::naming
