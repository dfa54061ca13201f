#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/sdk/lane.hpp>
#include <pharos/testing/fakes.hpp>

namespace pharos::sdk {
namespace {

/// Keeps what is posted until the test runs it.
class HeldExecutor final : public spi::Executor {
public:
    void post(spi::Task task) noexcept override { tasks.push_back(std::move(task)); }
    void run_one() {
        spi::Task task = std::move(tasks.front());
        tasks.pop_front();
        task();
    }
    std::deque<spi::Task> tasks;
};

TEST(Lane, AFreeLaneRunsTheTaskInTheCall) {
    HeldExecutor pool;
    Lane lane(pool);
    bool ran = false;
    lane.run([&] { ran = true; });
    EXPECT_TRUE(ran);
    EXPECT_TRUE(pool.tasks.empty());
}

TEST(Lane, ATaskOfTheLaneQueuesAndKeepsOrder) {
    HeldExecutor pool;
    Lane lane(pool);
    std::vector<int> order;
    lane.run([&] {
        lane.run([&] { order.push_back(2); });
        lane.run([&] { order.push_back(3); });
        order.push_back(1);
    });
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Lane, TheHolderHandsTheLaneToThePoolAfter64Tasks) {
    HeldExecutor pool;
    Lane lane(pool);
    int done = 0;
    lane.run([&] {
        for (int i = 0; i < 100; ++i) {
            lane.run([&] { ++done; });
        }
    });
    EXPECT_EQ(done, 64);
    ASSERT_EQ(pool.tasks.size(), 1u);
    pool.run_one();
    EXPECT_EQ(done, 100);
    EXPECT_TRUE(pool.tasks.empty());
}

TEST(Lane, PostNeverRunsInTheCall) {
    HeldExecutor pool;
    Lane lane(pool);
    bool ran = false;
    lane.post([&] { ran = true; });
    EXPECT_FALSE(ran);
    pool.run_one();
    EXPECT_TRUE(ran);
}

TEST(Lane, IsSerialUnderManyThreads) {
    constexpr int kEach = 20000;
    long unguarded = 0;
    std::atomic<int> finished{0};
    {
        testing::ThreadPool pool(2);
        Lane lane(pool);
        std::vector<std::thread> callers;
        for (int t = 0; t < 4; ++t) {
            callers.emplace_back([&] {
                for (int i = 0; i < kEach; ++i) {
                    lane.run([&] {
                        ++unguarded;
                        finished.fetch_add(1, std::memory_order_release);
                    });
                }
            });
        }
        for (std::thread& caller : callers) {
            caller.join();
        }
        while (finished.load(std::memory_order_acquire) != 4 * kEach) {
            std::this_thread::yield();
        }
    }
    EXPECT_EQ(unguarded, 4 * kEach);
}

TEST(Gate, RefusesAfterCloseAndWaitsForWhoIsInside) {
    Gate gate;
    Gate::Pass pass = gate.enter();
    ASSERT_TRUE(pass);
    EXPECT_FALSE(gate.close(std::chrono::milliseconds(1)));
    EXPECT_FALSE(gate.enter());
    std::thread leaver([moved = std::move(pass)]() mutable { Gate::Pass gone = std::move(moved); });
    EXPECT_TRUE(gate.close(std::chrono::seconds(10)));
    leaver.join();
}

}  // namespace
}  // namespace pharos::sdk
