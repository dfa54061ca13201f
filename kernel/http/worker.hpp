#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/server.hpp"

namespace pharos::http {

class Session;

/// What all workers of a server share.
struct ServerState {
    ServerState(const access::Filter& f, spi::Metrics& metrics, ServerSettings s);

    void count(int status) noexcept { by_class[static_cast<std::size_t>(status) / 100 % 10]->add(); }
    spi::Counter& limit(spi::Metrics& metrics, const char* reason) const;

    const ServerSettings settings;
    const access::Filter& filter;
    std::array<spi::Counter*, 10> by_class{};
    spi::Counter& malformed;
    spi::Counter& timed_out;
    spi::Counter& stalled;
    spi::Counter& too_many_held;
    spi::Counter& too_much_unsent;
    std::atomic<std::size_t> held{0};
    std::atomic<std::size_t> paced{0};   ///< of these, those that wait because of a limit
    std::atomic<std::size_t> unsent{0};  ///< bytes of replies
    std::atomic<bool> draining{false};

    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<std::size_t> connections{0};  ///< changes to it are announced under the mutex while draining
};

/// The part of a server on one io thread: its sessions, the buffers they share and their clock. Everything but post()
/// on that thread only. Lives as long as a responder refers to it; closed, it does nothing.
class Worker : public std::enable_shared_from_this<Worker> {
public:
    /// Read buffer of all sessions: an idle connection has none of its own.
    static constexpr std::size_t kScratch = 64 * 1024;

    Worker(std::shared_ptr<ServerState> server, boost::asio::io_context& loop, const Router& router);
    ~Worker();

    /// Any thread. False: the worker is closed, the task is dropped.
    template <class F>
    bool post(F task) {
        std::lock_guard lock(mutex_);
        if (loop_ == nullptr) {
            return false;
        }
        boost::asio::post(*loop_, std::move(task));
        return true;
    }
    /// Any thread: true on the worker's own.
    [[nodiscard]] bool is_current() const noexcept { return net::IoThreads::current() == identity_; }
    /// Ends post(). Any thread; the sessions must be closed.
    void close() noexcept;

    void start();
    void add(Session& session) noexcept;
    void remove(Session& session) noexcept;
    void close_idle();
    void close_all();

    [[nodiscard]] std::unique_ptr<RequestDecoder> take_decoder();
    void give_back(std::unique_ptr<RequestDecoder> decoder);

    const std::shared_ptr<ServerState> server;
    Router::View routes;
    std::unique_ptr<char[]> scratch;
    std::string out;
    std::string path_storage;
    const Session* serving = nullptr;  ///< the one whose replies are in `out`
    std::uint32_t now = 0;             ///< seconds since start, by the sweep

private:
    void sweep();

    std::mutex mutex_;
    boost::asio::io_context* loop_;
    const void* const identity_;
    std::unique_ptr<boost::asio::steady_timer> timer_;
    Session* first_ = nullptr;
    std::vector<std::unique_ptr<RequestDecoder>> spare_;
};

}  // namespace pharos::http
