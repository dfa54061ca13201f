#include "engine/due_ring.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace pharos::health {
namespace {

using namespace std::chrono_literals;

std::vector<Queued*> take(DueRing& ring, spi::Duration now) {
    Queue due;
    ring.take(now, due);
    std::vector<Queued*> taken;
    while (!due.empty()) {
        taken.push_back(&due.front());
        due.pop_front();
    }
    return taken;
}

TEST(HealthDueRing, InOrderAndNoneEarly) {
    DueRing ring(1000s);
    Queued late;
    Queued soon;
    ring.add(late, 1000s + 500ms);
    EXPECT_EQ(ring.add(soon, 1000s + 30ms), 1000s + 40ms);
    EXPECT_EQ(ring.next(), 1000s + 40ms);
    EXPECT_TRUE(take(ring, 1000s + 39ms).empty());
    EXPECT_EQ(take(ring, 1001s), (std::vector<Queued*>{&soon, &late}));
    EXPECT_EQ(ring.next(), std::nullopt);
}

TEST(HealthDueRing, BeyondItsLengthItIsMetAndPutBack) {
    DueRing ring(0s);
    Queued far;
    ring.add(far, 60s);
    int met = 0;
    while (ring.next() && *ring.next() < 60s) {
        ++met;
        EXPECT_TRUE(take(ring, *ring.next()).empty());
    }
    EXPECT_GE(met, 5);
    EXPECT_EQ(take(ring, 60s), (std::vector<Queued*>{&far}));
}

TEST(HealthDueRing, AJumpOfHours) {
    DueRing ring(0s);
    Queued due;
    Queued later;
    ring.add(due, 3s);
    ring.add(later, 24h);
    EXPECT_EQ(take(ring, 5h), (std::vector<Queued*>{&due}));
    EXPECT_EQ(take(ring, 24h), (std::vector<Queued*>{&later}));
}

TEST(HealthDueRing, WhoLeavesIsGone) {
    DueRing ring(0s);
    Queued left;
    ring.add(left, 1s);
    {
        Queued destroyed;
        ring.add(destroyed, 1s);
    }
    left.leave();
    EXPECT_EQ(ring.next(), std::nullopt);
}

}  // namespace
}  // namespace pharos::health
