#include "net/io_threads.hpp"

#include <pthread.h>

#include <algorithm>
#include <optional>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

namespace pharos::net {

namespace asio = boost::asio;

namespace {

thread_local asio::io_context* current_loop = nullptr;

std::int64_t steady_now() noexcept {
    return std::chrono::duration_cast<IoThreads::Duration>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

struct IoThreads::Loop {
    asio::io_context io{1};
    asio::steady_timer heartbeat{io};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
    std::atomic<std::int64_t> beat{0};
    std::thread thread;

    void arm() {
        beat.store(steady_now(), std::memory_order_relaxed);
        heartbeat.expires_after(std::chrono::seconds(1));
        heartbeat.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                arm();
            }
        });
    }
};

IoThreads::IoThreads(std::size_t count, std::string name) : name_(std::move(name)) {
    for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
        loops_.push_back(std::make_unique<Loop>());
    }
}

IoThreads::~IoThreads() { stop(); }

void IoThreads::start() {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        Loop& loop = *loops_[i];
        loop.work.emplace(loop.io.get_executor());
        loop.arm();
        loop.thread = std::thread([this, i, &loop] {
            pthread_setname_np(pthread_self(), (name_ + "-" + std::to_string(i)).substr(0, 15).c_str());
            current_loop = &loop.io;
            loop.io.run();
        });
    }
}

void IoThreads::stop() noexcept {
    for (auto& loop : loops_) {
        loop->work.reset();
        loop->io.stop();
    }
    for (auto& loop : loops_) {
        if (loop->thread.joinable()) {
            loop->thread.join();
        }
    }
}

bool IoThreads::is_running() const noexcept { return loops_.front()->thread.joinable(); }

asio::io_context& IoThreads::at(std::size_t index) noexcept { return loops_[index]->io; }

IoThreads::Duration IoThreads::longest_silence() const noexcept {
    const std::int64_t now = steady_now();
    std::int64_t longest = 0;
    for (const auto& loop : loops_) {
        const std::int64_t beat = loop->beat.load(std::memory_order_relaxed);
        longest = std::max(longest, beat == 0 ? 0 : now - beat);
    }
    return Duration(longest);
}

asio::io_context* IoThreads::current() noexcept { return current_loop; }

}  // namespace pharos::net
