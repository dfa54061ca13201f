#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pharos/spi/executor.hpp>

namespace pharos::testing {

/// Time that stands still until the test moves it.
class ManualClock final : public spi::Clock {
public:
    [[nodiscard]] spi::Duration steady() const noexcept override { return now; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return wall; }

    spi::Duration now = std::chrono::hours(1);
    std::int64_t wall = 1'795'402'384'190;
};

/// Keeps tasks until run() is called. Any thread may post.
class ManualExecutor final : public spi::Executor {
public:
    void post(spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    /// Runs all that is queued, and what that queues. Returns how many ran.
    std::size_t run() {
        std::size_t count = 0;
        for (;;) {
            spi::Task task;
            {
                std::lock_guard lock(mutex_);
                if (tasks_.empty()) {
                    return count;
                }
                task = std::move(tasks_.front());
                tasks_.pop_front();
            }
            task();
            ++count;
        }
    }

private:
    std::mutex mutex_;
    std::deque<spi::Task> tasks_;
};

/// Fires when FakeExecutors::advance() has moved the clock far enough.
class ManualTimers final : public spi::Timers {
public:
    explicit ManualTimers(ManualClock& clock) : clock_(clock) {}

    spi::TimerId after(spi::Duration delay, spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        const spi::TimerId id = ++last_;
        armed_.emplace(std::pair(clock_.now + delay, id), std::move(task));
        return id;
    }
    bool cancel(spi::TimerId timer) noexcept override {
        spi::Task dropped;  // and destroyed without the lock
        std::lock_guard lock(mutex_);
        const auto found = std::find_if(armed_.begin(), armed_.end(),
                                        [timer](const auto& entry) { return entry.first.second == timer; });
        if (found == armed_.end()) {
            return false;
        }
        dropped = std::move(found->second);
        armed_.erase(found);
        return true;
    }
    /// The earliest due task that is due by now, or nothing.
    spi::Task take_due() {
        std::lock_guard lock(mutex_);
        if (armed_.empty() || armed_.begin()->first.first > clock_.now) {
            return {};
        }
        spi::Task task = std::move(armed_.begin()->second);
        armed_.erase(armed_.begin());
        return task;
    }
    /// When the next timer is due; the given time when none is armed before it.
    [[nodiscard]] spi::Duration next_before(spi::Duration end) const {
        std::lock_guard lock(mutex_);
        return armed_.empty() ? end : std::min(end, armed_.begin()->first.first);
    }
    [[nodiscard]] std::size_t armed() const {
        std::lock_guard lock(mutex_);
        return armed_.size();
    }

private:
    ManualClock& clock_;
    mutable std::mutex mutex_;
    std::map<std::pair<spi::Duration, spi::TimerId>, spi::Task> armed_;
    spi::TimerId last_ = 0;
};

/// All of the kernel's executors in one queue, but for what may block.
class FakeExecutors final : public spi::Executors {
public:
    spi::Executor& work() noexcept override { return queue; }
    spi::Executor& block() noexcept override { return blocking; }
    spi::Executor& dedicated(std::string_view) noexcept override { return queue; }
    spi::Timers& timers() noexcept override { return timer_queue; }
    const spi::Clock& clock() noexcept override { return time; }

    /// Runs what is queued and what is due.
    void run() {
        drain();
        while (spi::Task task = timer_queue.take_due()) {
            task();
            drain();
        }
    }
    /// Moves both clocks on, firing timers at their times.
    void advance(spi::Duration by) {
        run();
        const spi::Duration end = time.now + by;
        while (time.now < end) {
            const spi::Duration next = std::max(time.now, timer_queue.next_before(end));
            time.wall += std::chrono::duration_cast<std::chrono::milliseconds>(next).count() -
                         std::chrono::duration_cast<std::chrono::milliseconds>(time.now).count();
            time.now = next;
            run();
        }
    }

    ManualClock time;
    ManualExecutor queue;
    ManualExecutor blocking;
    ManualTimers timer_queue{time};

private:
    void drain() {
        while (queue.run() + blocking.run() != 0) {
        }
    }
};

/// Real threads, for tests of races and of what waits for its own thread.
class ThreadPool final : public spi::Executor {
public:
    explicit ThreadPool(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            threads_.emplace_back([this] { work(); });
        }
    }
    ~ThreadPool() { finish(); }

    void post(spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
        wake_.notify_one();
    }
    /// Runs what is queued and ends the threads; later tasks never run.
    void finish() {
        {
            std::lock_guard lock(mutex_);
            ended_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : threads_) {
            if (thread.joinable()) {
                thread.join();
            }
        }
    }

private:
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return ended_ || !tasks_.empty(); });
            if (tasks_.empty()) {
                return;
            }
            spi::Task task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
            task.reset();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<spi::Task> tasks_;
    bool ended_ = false;
    std::vector<std::thread> threads_;
};

/// One pool of real threads for all of the kernel's executors; time still moves by hand.
class ThreadedExecutors final : public spi::Executors {
public:
    explicit ThreadedExecutors(std::size_t threads = 1) : pool(threads) {}

    spi::Executor& work() noexcept override { return pool; }
    spi::Executor& block() noexcept override { return pool; }
    spi::Executor& dedicated(std::string_view) noexcept override { return pool; }
    spi::Timers& timers() noexcept override { return timer_queue; }
    const spi::Clock& clock() noexcept override { return time; }

    /// Moves the clock on and fires, in the call, what is due. Not while another thread looks at the time.
    std::size_t advance(spi::Duration by) {
        time.now += by;
        time.wall += std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
        std::size_t fired = 0;
        for (; spi::Task task = timer_queue.take_due(); ++fired) {
            task();
        }
        return fired;
    }

    ManualClock time;
    ManualTimers timer_queue{time};
    ThreadPool pool;
};

}  // namespace pharos::testing
