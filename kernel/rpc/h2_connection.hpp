#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/accepted_socket.hpp"
#include "rpc/h2_session.hpp"
#include "rpc/h2_transport.hpp"
#include "rpc/sharded_map.hpp"

/// The insides of H2Transport.
namespace pharos::rpc {

class H2Connection;
class H2Loop;
using H2ConnectionPtr = std::shared_ptr<H2Connection>;
using H2Time = std::chrono::steady_clock::time_point;

/// What all connections share. Lives as long as any of them, and so as any call that is still unanswered; once the
/// transport has stopped, nothing of it refers to the io threads.
class H2Core : public std::enable_shared_from_this<H2Core> {
public:
    H2Core(net::IoThreads& io, const H2Settings& settings, spi::Metrics* metrics);
    ~H2Core();

    const H2Settings settings;
    const H2Limits limits;
    TransportEvents* events = nullptr;  ///< not called after stop()
    ShardedMap<ConnectionNumber, H2Connection> connections;
    std::atomic<ConnectionNumber> last_number{0};
    std::atomic<std::size_t> unanswered{0};
    std::array<spi::Counter*, kH2Limits> refused{};  ///< by H2Limit; null when nobody wants to know
    std::vector<std::unique_ptr<H2Loop>> loops;      ///< one for each io thread
};

/// One io thread's part: who has something to send, and what connections need only while they are served.
///
/// Writing is put off to the end of a batch (one read, one round of the mailbox), so that all that a batch brings
/// forth for a connection goes out in one system call. Its thread's, but for schedule().
class H2Loop {
public:
    static constexpr std::size_t kReadSize = 64 * 1024;

    /// While one lives, schedule() only notes; what was noted is flushed at its end. Not nested.
    class Batch {
    public:
        explicit Batch(H2Loop& loop) noexcept : loop_(loop) { loop.in_batch_ = true; }
        ~Batch() { loop_.flush_dirty(); }
        Batch(const Batch&) = delete;
        Batch& operator=(const Batch&) = delete;

    private:
        H2Loop& loop_;
    };

    H2Loop(H2Core& core, boost::asio::io_context& io) : core_(core), io_(io) {}

    /// Soon flush() runs. One wake-up serves all that come before the thread gets to it. Any thread.
    void schedule(H2ConnectionPtr connection);

    void start(std::shared_ptr<H2Core> core);
    void stop() { timer_.reset(); }
    void add(H2ConnectionPtr connection);
    void remove(H2Connection& connection);

    [[nodiscard]] boost::asio::io_context& io() const noexcept { return io_; }
    [[nodiscard]] std::array<char, kReadSize>& read_buffer() noexcept { return read_buffer_; }
    /// Empty between uses.
    [[nodiscard]] H2Chain& out() noexcept { return out_; }
    /// Of the last sweep: good enough for time-outs of seconds.
    [[nodiscard]] H2Time now() const noexcept { return now_; }

private:
    void flush_dirty();
    void take_mail();
    void sweep();
    void arm(std::shared_ptr<H2Core> core);

    H2Core& core_;
    boost::asio::io_context& io_;
    std::optional<boost::asio::steady_timer> timer_;  ///< from start() to stop()
    H2Time now_ = std::chrono::steady_clock::now();
    std::vector<H2ConnectionPtr> all_;
    std::vector<H2ConnectionPtr> dirty_;
    bool in_batch_ = false;
    H2Chain out_;
    std::array<char, kReadSize> read_buffer_;

    std::mutex mutex_;  ///< of the mailbox
    std::vector<H2ConnectionPtr> mailbox_;
};

/// One TCP connection: a session, its socket, and what other threads want to be sent.
class H2Connection final : public std::enable_shared_from_this<H2Connection>, public H2Session::Events {
public:
    H2Connection(std::shared_ptr<H2Core> core, H2Loop& loop, ConnectionNumber number, net::UniqueFd fd)
        : number_(number), core_(std::move(core)), loop_(loop), fd_(std::move(fd)) {}

    // Any thread.
    spi::Status send(std::string_view head, spi::Pieces body);
    void reply(std::int32_t stream, H2Chain message);
    /// Tells closed() if nobody has yet; the socket goes a little later.
    void end(std::string_view reason);

    // The loop's thread.
    void begin();
    void flush();
    void sweep();

private:
    friend class H2Loop;
    class Call;
    struct Post {
        std::int32_t stream;  ///< 0: the bi-directional one
        H2Chain message;
    };

    void on_call(std::int32_t stream, std::string_view frame) override;
    void on_stream_opened() override;
    void on_stream_frame(std::string_view frame) override;
    void on_limit(H2Limit limit) override;

    void wait_readable();
    void wait_writable();
    void read();
    void write();
    [[nodiscard]] bool send_now(H2Chain& chain);
    void count_sent();
    void shut_down();
    void schedule_locked();

    const ConnectionNumber number_;
    const std::shared_ptr<H2Core> core_;
    H2Loop& loop_;

    std::mutex mutex_;  ///< of the next seven
    bool has_stream_ = false;
    bool refused_ = false;  ///< a frame, since the queue was empty
    bool scheduled_ = false;
    bool ended_by_lock_ = false;
    std::size_t queued_frames_ = 0;
    std::size_t queued_bytes_ = 0;
    std::vector<Post> posts_;
    std::atomic<bool> ended_{false};  ///< follows ended_by_lock_, for those who only look

    // The loop's thread.
    net::UniqueFd fd_;                                             ///< until begin()
    std::optional<boost::asio::posix::stream_descriptor> socket_;  ///< from begin() to shut_down(), like the session
    std::unique_ptr<H2Session> session_;
    H2Chain pending_;        ///< what the socket would not take; nothing is produced meanwhile
    std::size_t index_ = 0;  ///< in the loop's list
    H2Time heard_{};
    H2Time pinged_at_{};
    bool pinged_ = false;
    std::uint64_t sent_replies_ = 0;  ///< as of the last sweep
    H2Time progress_{};               ///< when answers last went out, or none were waiting
};

}  // namespace pharos::rpc
