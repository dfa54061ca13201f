#include <gtest/gtest.h>

#include "push/push_window.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

TEST(PushWindow, TheFirstChangeIsToldAtOnce) {
    PushWindow window;
    EXPECT_TRUE(window.on_change(1s).tell_now);
}

TEST(PushWindow, ChangesDuringTheWindowAreMergedAndItGrows) {
    PushWindow window;
    spi::Duration now = 1s;
    ASSERT_TRUE(window.on_change(now).tell_now);
    window.on_told(now, 5000);
    EXPECT_EQ(window.window(), 25ms);
    const auto second = window.on_change(now + 1ms);
    EXPECT_FALSE(second.tell_now);
    EXPECT_TRUE(second.arm);
    EXPECT_EQ(second.delay, 24ms);
    const auto third = window.on_change(now + 2ms);
    EXPECT_FALSE(third.tell_now || third.arm);
    now += 25ms;
    window.on_told(now, 5000);
    EXPECT_EQ(window.window(), 50ms);
}

TEST(PushWindow, AStormEndsAtHalfASecondAndCalmComesBack) {
    PushWindow window;
    spi::Duration now = 1s;
    for (int i = 0; i < 12; ++i) {
        (void)window.on_change(now);
        (void)window.on_change(now);
        window.on_told(now, 10);
        now += window.window();
    }
    EXPECT_EQ(window.window(), PushWindow::kLongest);
    for (int i = 0; i < 12; ++i) {
        (void)window.on_change(now);
        window.on_told(now, 10);
        now += window.window();
    }
    EXPECT_LT(window.window(), 1ms);
}

TEST(PushWindow, ChangesThatComeOneByOneAreNeverHeldBack) {
    PushWindow window;
    spi::Duration now = 1s;
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(window.on_change(now).tell_now);
        window.on_told(now, 100);
        now += 5ms;
    }
}

}  // namespace
}  // namespace pharos::naming
