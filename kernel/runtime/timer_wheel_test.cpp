#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

#include "runtime/timer_wheel.hpp"

namespace pharos::runtime {
namespace {

using namespace std::chrono_literals;

class ManualClock final : public spi::Clock {
public:
    [[nodiscard]] spi::Duration steady() const noexcept override { return now; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return now / 1ms; }
    spi::Duration now = 12345678ms;
};

TEST(TimerWheel, FiresNotBeforeAndAtMostTwoTicksAfterItsTime) {
    ManualClock clock;
    TimerWheel wheel(clock);
    std::mt19937 random(7);
    const spi::Duration start = clock.now;
    std::vector<std::pair<spi::Duration, spi::Duration>> fired;  // wanted, actual
    std::uniform_int_distribution<std::int64_t> any(0, 30 * 60 * 1000);
    constexpr std::size_t kTimers = 5000;
    for (std::size_t i = 0; i < kTimers; ++i) {
        const spi::Duration delay = std::chrono::milliseconds(any(random));
        wheel.after(delay, [&, delay] { fired.emplace_back(delay, clock.now - start); });
    }
    while (clock.now - start < 31min) {
        clock.now += 10ms;
        wheel.advance();
    }
    ASSERT_EQ(fired.size(), kTimers);
    for (const auto& [wanted, actual] : fired) {
        EXPECT_GE(actual, wanted);
        EXPECT_LE(actual, wanted + 2 * TimerWheel::kTick);
    }
    EXPECT_EQ(wheel.armed(), 0u);
}

TEST(TimerWheel, BigJumpsOfTimeFireEverythingDue) {
    ManualClock clock;
    TimerWheel wheel(clock);
    int fired = 0;
    for (const spi::Duration delay :
         {spi::Duration(1s), spi::Duration(10min), spi::Duration(50h), spi::Duration(24h * 400)}) {
        wheel.after(delay, [&] { ++fired; });
    }
    clock.now += 49h;
    wheel.advance();
    EXPECT_EQ(fired, 2);
    clock.now += 2h;
    wheel.advance();
    EXPECT_EQ(fired, 3);
    clock.now += 24h * 400;
    wheel.advance();
    EXPECT_EQ(fired, 4);
}

TEST(TimerWheel, CancelStopsOnlyWhatHasNotFired) {
    ManualClock clock;
    TimerWheel wheel(clock);
    int fired = 0;
    const spi::TimerId first = wheel.after(100ms, [&] { ++fired; });
    const spi::TimerId second = wheel.after(100ms, [&] { ++fired; });
    EXPECT_TRUE(wheel.cancel(first));
    EXPECT_FALSE(wheel.cancel(first));
    clock.now += 1s;
    wheel.advance();
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(wheel.cancel(second));
    wheel.after(1s, [&] { ++fired; });  // takes the place of an old one
    EXPECT_FALSE(wheel.cancel(first));
    EXPECT_FALSE(wheel.cancel(second));
    EXPECT_FALSE(wheel.cancel(0));
}

TEST(TimerWheel, ATaskMayArmItselfAgain) {
    ManualClock clock;
    TimerWheel wheel(clock);
    int fired = 0;
    std::function<void()> again = [&] {
        ++fired;
        wheel.after(100ms, [&] { again(); });
    };
    again();
    for (int i = 0; i < 1200; ++i) {
        clock.now += 10ms;
        wheel.advance();
    }
    EXPECT_NEAR(fired, 12000 / 110 + 1, 8);
}

}  // namespace
}  // namespace pharos::runtime
