#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace pharos::net {

/// The io threads: one io_context each, run by one thread, so that what lives on a loop needs no locks. Owned by the
/// kernel; must outlive everything that uses the loops.
class IoThreads {
public:
    using Duration = std::chrono::nanoseconds;

    /// Threads are named `name`-0, `name`-1, …
    explicit IoThreads(std::size_t count, std::string name = "io");
    ~IoThreads();
    IoThreads(const IoThreads&) = delete;
    IoThreads& operator=(const IoThreads&) = delete;

    void start();
    /// Ends the loops and joins the threads; what is still queued is dropped. Close sessions and listeners before.
    void stop() noexcept;

    /// Between start() and stop(), for whoever calls these.
    [[nodiscard]] bool is_running() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return loops_.size(); }
    [[nodiscard]] boost::asio::io_context& at(std::size_t index) noexcept;
    /// Round robin. Any thread.
    [[nodiscard]] std::size_t next_index() noexcept {
        return next_.fetch_add(1, std::memory_order_relaxed) % loops_.size();
    }
    [[nodiscard]] boost::asio::io_context& next() noexcept { return at(next_index()); }

    /// How long the most silent loop has not come round to its 1 s heartbeat: far above 1 s means a stuck handler.
    [[nodiscard]] Duration longest_silence() const noexcept;

    /// The loop that the calling thread runs, or null.
    [[nodiscard]] static boost::asio::io_context* current() noexcept;

private:
    struct Loop;

    const std::string name_;
    std::vector<std::unique_ptr<Loop>> loops_;
    std::atomic<std::size_t> next_{0};
};

}  // namespace pharos::net
