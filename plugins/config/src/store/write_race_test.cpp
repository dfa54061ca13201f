// Many threads that write few keys. For the thread sanitizer, too.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include <pharos/testing/fakes.hpp>

#include "store/write_queue.hpp"

namespace pharos::config {
namespace {

TEST(WriteQueueRace, OneWriterOfAKeyAtATimeAndAllHaveTheirTurn) {
    constexpr int kThreads = 4;
    constexpr int kEach = 500;
    constexpr int kKeys = 3;
    testing::ThreadPool pool(2);
    WriteQueue queue(pool);
    int turns[kKeys] = {};  // no atomics: the queue orders who counts
    std::atomic<int> inside[kKeys] = {};
    std::atomic<int> done{0};
    std::atomic<bool> together{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                const int key = (t + i) % kKeys;
                spi::Task turn = [&, key] {
                    together = together || inside[key].fetch_add(1) != 0;
                    ++turns[key];
                    inside[key].fetch_sub(1);
                    queue.leave(std::to_string(key));
                    ++done;
                };
                ASSERT_TRUE(queue.enter(std::to_string(key), turn));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    while (done < kThreads * kEach) {
        std::this_thread::yield();
    }
    pool.finish();
    EXPECT_FALSE(together);
    EXPECT_EQ(turns[0] + turns[1] + turns[2], kThreads * kEach);
    EXPECT_EQ(queue.waiting(), 0u);
}

TEST(WriteQueue, KeepsTheOrder) {
    testing::ManualExecutor pool;
    WriteQueue queue(pool);
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
        spi::Task turn = [&order, i] { order.push_back(i); };
        ASSERT_TRUE(queue.enter("key", turn));
    }
    spi::Task other = [&order] { order.push_back(9); };
    ASSERT_TRUE(queue.enter("other", other));
    EXPECT_EQ(order, (std::vector<int>{0, 9}));
    for (int i = 0; i < 3; ++i) {
        queue.leave("key");
        pool.run();
    }
    EXPECT_EQ(order, (std::vector<int>{0, 9, 1, 2}));
    spi::Task again = [&order] { order.push_back(3); };
    ASSERT_TRUE(queue.enter("key", again));
    EXPECT_EQ(order.back(), 3);
}

}  // namespace
}  // namespace pharos::config
