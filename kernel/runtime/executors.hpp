#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/spi/executor.hpp>

#include "runtime/thread_pool.hpp"
#include "runtime/timer_wheel.hpp"

namespace pharos::runtime {

/// The machine's clocks.
class SystemClock final : public spi::Clock {
public:
    [[nodiscard]] spi::Duration steady() const noexcept override;
    [[nodiscard]] std::int64_t wall_ms() const noexcept override;
};

/// All threads that are not a transport's own.
class KernelExecutors final : public spi::Executors {
public:
    /// Thread counts of at least 1.
    KernelExecutors(std::size_t work_threads, std::size_t block_threads);
    ~KernelExecutors() { stop(); }

    spi::Executor& work() noexcept override { return work_; }
    spi::Executor& block() noexcept override { return block_; }
    spi::Executor& dedicated(std::string_view name) noexcept override;
    spi::Timers& timers() noexcept override { return timers_; }
    const spi::Clock& clock() noexcept override { return clock_; }

    /// One line of the thread table: role and number of threads.
    struct Role {
        std::string name;
        std::size_t threads;
        std::size_t queued;
    };
    [[nodiscard]] std::vector<Role> roles() const;

    /// Ends timers, then all threads after what they have queued.
    void stop() noexcept;

private:
    SystemClock clock_;
    TimerWheel timers_;
    ThreadPool work_;
    ThreadPool block_;
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<ThreadPool>, std::less<>> dedicated_;
};

}  // namespace pharos::runtime
