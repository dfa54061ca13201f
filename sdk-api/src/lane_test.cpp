#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/sdk/lane.hpp>

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

/// A real pool of two threads.
class Pool final : public spi::Executor {
public:
    Pool() {
        for (int i = 0; i < 2; ++i) {
            threads_.emplace_back([this] { loop(); });
        }
    }
    ~Pool() {
        {
            std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }
    void post(spi::Task task) noexcept override {
        {
            std::lock_guard lock(mutex_);
            tasks_.push_back(std::move(task));
        }
        wake_.notify_one();
    }

private:
    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
            if (tasks_.empty()) {
                return;
            }
            spi::Task task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
            lock.lock();
        }
    }
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<spi::Task> tasks_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
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
        Pool pool;
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
