#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

#include "runtime/executors.hpp"

namespace pharos::runtime {
namespace {

TEST(ThreadPool, StopRunsWhatIsQueuedAndDropsLaterPosts) {
    std::atomic<int> ran{0};
    ThreadPool pool("t", 2);
    for (int i = 0; i < 1000; ++i) {
        pool.post([&] { ++ran; });
    }
    pool.stop();
    EXPECT_EQ(ran, 1000);
    pool.post([&] { ++ran; });
    EXPECT_EQ(ran, 1000);
}

TEST(ThreadPool, OneThreadKeepsTheOrder) {
    std::vector<int> order;
    {
        ThreadPool pool("one", 1);
        for (int i = 0; i < 100; ++i) {
            pool.post([&order, i] { order.push_back(i); });
        }
    }
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    }
}

TEST(Executors, ADedicatedNameIsOneThread) {
    KernelExecutors executors(1, 1);
    EXPECT_EQ(&executors.dedicated("store"), &executors.dedicated("store"));
    EXPECT_NE(&executors.dedicated("store"), &executors.dedicated("other"));
    EXPECT_EQ(executors.roles().size(), 4u);
}

TEST(Executors, TimersFire) {
    KernelExecutors executors(1, 1);
    std::promise<void> fired;
    executors.timers().after(std::chrono::milliseconds(20), [&] { fired.set_value(); });
    EXPECT_EQ(fired.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(Executors, ASoonerTimerWakesASleepingWheel) {
    KernelExecutors executors(1, 1);
    executors.timers().after(std::chrono::hours(1), [] {});
    std::promise<void> fired;
    executors.timers().after(std::chrono::milliseconds(1), [&] { fired.set_value(); });
    EXPECT_EQ(fired.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

}  // namespace
}  // namespace pharos::runtime
