#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "http/reply_writer.hpp"
#include "http/worker.hpp"

namespace pharos::http {

struct PacedRequest;

/// One connection. It serves one request at a time, so it is the exchange of that request too: a responder is a counted
/// reference to the session, and the next request begins only after the responder has spoken.
///
///     idle ──bytes──▶ reading ──complete──▶ handler ──answered──▶ idle / next pipelined request
///                                 └─limited─▶ held ──its time──▶ handler, or refused
///                                              └──kept──▶ held ──send()──▶ …
///
/// While a reply does not fit into the socket, nothing is read. All state belongs to the worker's io thread; send()
/// and on_abandoned() post themselves there.
class Session final : public spi::HttpExchange {
public:
    using Ptr = boost::intrusive_ptr<Session>;
    using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

    Session(std::shared_ptr<Worker> worker, boost::asio::io_context& loop, net::AcceptedSocket accepted);

    void start();
    /// Ends the connection at once. A held request is abandoned.
    void close() noexcept;
    /// For stop(): closes unless a request is under way; that one's reply is the last.
    void close_if_idle();
    void check_deadline();

    void send(const spi::HttpReply& reply) noexcept override;
    void on_abandoned(spi::Task task) noexcept override;
    void release() noexcept override { intrusive_ptr_release(this); }

    friend void intrusive_ptr_add_ref(Session* session) noexcept {
        session->references_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(Session* session) noexcept {
        if (session->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete session;
        }
    }

private:
    friend class Worker;
    enum class State : std::uint8_t { kIdle, kReadingHeader, kReadingBody, kHandling, kHeld, kLingering, kClosed };

    ~Session();

    void wait_readable();
    void on_readable();
    /// While a request is held: what comes is kept, the end of the stream is noticed.
    void read_while_held();
    /// Serves `size` new bytes, which lie in the worker's scratch buffer, after those that are pending.
    void serve_bytes(std::size_t size);
    /// Serves the messages in `data`. Returns the bytes that are dealt with for good; `size` shrinks when body bytes
    /// were cut out of an incomplete message.
    std::size_t serve(char* data, std::size_t& size);
    /// Goes on after a pause: serves what is pending, then waits for what is next.
    void resume();
    void wait_for_next();

    void dispatch(const char* data);
    /// True: the request waits, or is refused, by what the route's limit says.
    bool pace(const access::Limit& limit, const spi::HttpRequest& request);
    /// The time of a request that waited has come. `serial` names it.
    void end_pace(std::uint32_t serial);
    /// Finds the request's route and calls it. Limits have been asked before.
    void route(spi::HttpRequest& request, std::string_view raw_path, std::string_view method, bool is_paced);
    void call(Route& route, spi::HttpRequest& request);
    [[nodiscard]] bool may_hold();
    void refuse(int status, std::string_view message, std::string_view path, std::string_view allow = {});
    /// A message that can't be served: the error is the last reply.
    void fail(int status, std::string_view message, std::string_view path);
    /// On the io thread. `serial` names the request.
    void finish_held(std::uint32_t serial, int status, std::string& bytes);
    void note_abandon_task(std::uint32_t serial, spi::Task task);
    void answered(int status) noexcept;

    /// Sends as far as the socket takes it and empties `bytes`.
    void flush(std::string& bytes);
    /// After each change of unsent_: brings the server's sum up to date. Closes when that is too much.
    void count_unsent() noexcept;
    void wait_writable();
    void on_writable();
    void linger();
    void expire_in(std::chrono::seconds time) noexcept {
        deadline_ = worker_->now + static_cast<std::uint32_t>(time.count()) + 1;
    }
    [[nodiscard]] ReplyForm form() const noexcept;

    const std::shared_ptr<Worker> worker_;
    std::optional<Socket> socket_;
    std::shared_ptr<const void> ticket_;
    const std::string remote_ip_;
    const std::uint16_t remote_port_;
    std::atomic<std::uint32_t> references_{0};

    State state_ = State::kIdle;
    bool keep_alive_ = true;  ///< this, http10_, head_ and serial_ do not change while a responder has not spoken
    bool http10_ = false;
    bool head_ = false;
    bool awaiting_ = false;     ///< a request was given to a handler and has no answer yet
    bool close_after_ = false;  ///< once what is unsent has gone
    bool linger_ = false;       ///< … and not before the client has read it
    bool eof_ = false;          ///< the client has ended its half, and a request is held
    bool reading_ = false;      ///< a wait for bytes is pending
    bool continued_ = false;
    std::uint32_t deadline_ = 0;
    std::uint32_t serial_ = 0;                 ///< of the request being served
    std::unique_ptr<RequestDecoder> decoder_;  ///< of a message that has begun
    std::string pending_;                      ///< bytes that wait for the rest of their message, or for their turn
    std::string unsent_;
    std::size_t unsent_from_ = 0;
    std::size_t counted_unsent_ = 0;  ///< what the server's sum has of it
    spi::Task abandoned_;
    std::unique_ptr<PacedRequest> paced_;
    Session* previous_ = nullptr;  ///< list of the worker
    Session* next_ = nullptr;
};

}  // namespace pharos::http
