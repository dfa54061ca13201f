#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <pharos/spi/executor.hpp>

namespace pharos::runtime {

/// Threads that share one queue. Tasks of a pool of one thread run in the order they were posted.
class ThreadPool final : public spi::Executor {
public:
    /// Threads are named `name` when there is one, else `name`-0, `name`-1, …
    ThreadPool(std::string name, std::size_t threads);
    ~ThreadPool() { stop(); }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    void post(spi::Task task) noexcept override;

    /// Runs what is queued, then ends the threads. Later posts are dropped. Not from a thread of the pool.
    void stop() noexcept;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Tasks that wait.
    [[nodiscard]] std::size_t queued() const;

private:
    void loop() noexcept;

    const std::string name_;
    const std::size_t size_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<spi::Task> tasks_;
    std::size_t sleeping_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

/// Names the calling thread for debuggers and `top -H`; cut to 15 characters.
void name_this_thread(const std::string& name) noexcept;

}  // namespace pharos::runtime
