#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "rpc/h2_chain.hpp"
#include "rpc/h2_message.hpp"

struct nghttp2_session;

namespace pharos::rpc {

struct H2Limits {
    std::size_t max_frame = 10 * 1024 * 1024;            ///< one inbound message, also when unpacked
    std::size_t max_assembling = 40 * 1024 * 1024;       ///< inbound messages of all streams that are not whole yet
    std::size_t max_unsent_replies = 256 * 1024 * 1024;  ///< a client that does not read its answers is cut off there
    std::size_t max_header_list = 64 * 1024;
    std::uint32_t max_streams = 1024;
    std::size_t max_resets = 1000;  ///< streams ended without an answer, between two calls of relax()
    /// Frames that bring nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, RST_STREAM, CONTINUATION, empty DATA),
    /// between two calls of relax(), beyond what goes with the messages that come and go meanwhile.
    std::size_t max_control_frames = 20'000;
    std::int32_t stream_window = 1024 * 1024;
    std::int32_t connection_window = 16 * 1024 * 1024;
};

/// A limit that was exceeded, as it is counted.
enum class H2Limit : std::uint8_t { kFrame, kUnsentReplies, kHeaderList, kStreams, kResets, kControlFrames };
inline constexpr std::size_t kH2Limits = 6;
/// The setting that is the limit.
[[nodiscard]] std::string_view setting_of(H2Limit limit) noexcept;

/// gRPC over one HTTP/2 connection, without any I/O: bytes in, events and bytes out. Only the two methods of the RPC
/// exist (`protocol/core.md §1.1`): unary calls, and one bi-directional stream.
///
/// One thread at a time. Events come from receive() only; within them all but receive() and produce() may be called.
class H2Session {
public:
    class Events {
    public:
        /// A unary call is whole; reply() answers it. Frames are valid for the call only.
        virtual void on_call(std::int32_t stream, std::string_view frame) = 0;
        virtual void on_stream_opened() = 0;
        virtual void on_stream_frame(std::string_view frame) = 0;
        /// Something was refused or the session ended. From reply() and produce() too.
        virtual void on_limit(H2Limit) {}

    protected:
        ~Events() = default;
    };

    /// Frames of the bi-directional stream that went into produce()'s output, with the bytes of messages.
    struct Sent {
        std::size_t frames = 0;
        std::size_t bytes = 0;
    };

    H2Session(const H2Limits& limits, Events& events);
    ~H2Session();
    H2Session(const H2Session&) = delete;
    H2Session& operator=(const H2Session&) = delete;

    void receive(std::string_view bytes);
    /// `message` with its prefix. A stream that has gone is no error.
    void reply(std::int32_t stream, H2Chain message);
    /// Sends a message, with its prefix, on the bi-directional stream.
    void push(H2Chain message);
    void ping();
    /// Nothing is sent after what this makes. It tells the client why, when a limit ended the session.
    void go_away();
    /// To be called every few seconds: forgets what limits of rates have counted.
    void relax() noexcept { resets_ = control_frames_ = 0; }

    /// Appends what is to be sent now, until `out` has about `limit` bytes.
    void produce(H2Chain& out, std::size_t limit);
    [[nodiscard]] Sent take_sent() noexcept { return std::exchange(sent_, {}); }

    /// Bytes of answers that the client has not let go out yet, and of all that have.
    [[nodiscard]] std::size_t unsent_replies() const noexcept { return unsent_replies_; }
    [[nodiscard]] std::uint64_t sent_replies() const noexcept { return sent_replies_; }
    /// Whether the client's first SETTINGS have come.
    [[nodiscard]] bool greeted() const noexcept { return greeted_; }
    /// Why the connection must end after a last produce(); empty while it need not.
    [[nodiscard]] std::string_view end_reason() const noexcept { return end_reason_; }

private:
    struct Stream;
    struct Callbacks;
    enum class Status : int { kOk = 0, kExhausted = 8, kUnimplemented = 12, kInternal = 13 };

    void on_headers_done(Stream& stream);
    void on_data(Stream& stream, std::string_view data, bool last);
    bool on_message(Stream& stream, const H2Messages::Message& message, bool last);
    void on_end_of_requests(Stream& stream);
    void on_stream_gone(Stream& stream, bool reset);
    bool refuse_too_large(Stream& stream, std::size_t size);
    void start_response(Stream& stream);
    void submit_trailer(std::int32_t id, Status status);
    /// Ends a stream with a status. Always false: it takes no more input.
    bool refuse(Stream& stream, Status status, std::string_view message);
    void refuse_http(Stream& stream, std::string_view status);
    void end(std::string_view reason);
    /// Ends the session as above, tells which limit it was and counts it.
    void end_by(H2Limit limit, std::string reason);
    void count_frame(std::uint8_t type, std::uint8_t flags, std::size_t length);
    void earn_frames() noexcept;
    [[nodiscard]] std::ptrdiff_t plan_data(Stream& stream, std::size_t room, std::uint32_t& flags);
    void write_data(Stream& stream, std::string_view frame_header, std::size_t length);
    [[nodiscard]] Stream* find(std::int32_t id) const noexcept;

    const H2Limits& limits_;
    Events& events_;
    nghttp2_session* session_ = nullptr;
    std::list<Stream> streams_;
    Stream* bidi_ = nullptr;
    std::list<H2Chain> pushes_;
    Sent sent_;
    std::size_t assembling_ = 0;
    std::size_t unsent_replies_ = 0;
    std::uint64_t sent_replies_ = 0;
    std::size_t resets_ = 0;
    std::size_t control_frames_ = 0;
    bool calm_down_ = false;     ///< a limit was the end
    std::size_t data_left_ = 0;  ///< of the DATA frame being received
    H2Chain* out_ = nullptr;     ///< produce()'s
    std::size_t out_limit_ = 0;
    bool greeted_ = false;
    std::string end_reason_;
};

}  // namespace pharos::rpc
