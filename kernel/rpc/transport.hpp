#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <pharos/spi/bytes.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/rpc.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::rpc {

using spi::ConnectionNumber;

/// Both ends of a TCP connection, as the kernel that accepted it knows them.
struct Peer {
    std::string ip;
    std::uint16_t port = 0;
    std::uint16_t local_port = 0;
    /// The connection's place in its listener's limits; kept as long as the connection is known.
    std::shared_ptr<const void> place = {};
};

/// One unary call that waits for its answer. Whoever has the reference must call reply() exactly once, on any thread;
/// the call is gone afterwards. A client that has left is no reason not to.
class UnaryCall {
public:
    /// The frame is `head` followed by `body`; `head` is borrowed.
    virtual void reply(std::string_view head, spi::Pieces body) noexcept = 0;

protected:
    ~UnaryCall() = default;
};

/// What a transport tells. Events come on the transport's threads and must not block.
///
/// Of one connection, opened() is first. Stream events come one after another; unary calls run beside them and beside
/// closed(), which comes exactly once. After closed() an event that was already on its way may still come in.
class TransportEvents {
public:
    virtual void opened(ConnectionNumber connection, const Peer& peer) noexcept = 0;
    /// The frame is valid for the call only.
    virtual void unary(ConnectionNumber connection, std::string_view frame, UnaryCall& call) noexcept = 0;
    virtual void stream_opened(ConnectionNumber connection) noexcept = 0;
    /// The frame is valid for the call only.
    virtual void stream_frame(ConnectionNumber connection, std::string_view frame) noexcept = 0;
    /// The send queue, which refused a frame before, is empty again.
    virtual void writable(ConnectionNumber connection) noexcept = 0;
    /// The first sign of the end, whatever it was.
    virtual void closed(ConnectionNumber connection, std::string_view reason) noexcept = 0;

protected:
    ~TransportEvents() = default;
};

/// The seam between the RPC server and whatever speaks HTTP/2 (`protocol/core.md §1.1`).
///
/// A connection is one TCP connection with its own number: when an address and port come back, that is another
/// number, and a late end of the older one touches nothing. Unary calls and the one bi-directional stream belong to
/// a connection by sharing the socket. Any thread.
class Transport {
public:
    virtual ~Transport() = default;

    /// Connections are taken from now on. The events must outlive stop().
    virtual void start(TransportEvents& events) = 0;
    /// Takes the socket over, whatever comes; nothing of it has been read. 0: not running, or the peer has gone.
    virtual ConnectionNumber adopt(int fd, const Peer& peer) noexcept = 0;
    /// Queues a frame, `head` followed by `body`, on the connection's stream. Frames go out in order. Errors: kClosed
    /// (no such connection or it has no stream), kUnavailable (the send queue is full).
    virtual spi::Status send(ConnectionNumber connection, std::string_view head, spi::Pieces body) noexcept = 0;
    /// Ends the connection; closed() is told before this returns, if it has not been yet.
    virtual void close(ConnectionNumber connection, std::string_view reason) noexcept = 0;
    /// Ends all connections, takes no more, and waits until no event runs. False: calls are still unanswered after
    /// `patience`.
    virtual bool stop(spi::Duration patience) noexcept = 0;
};

}  // namespace pharos::rpc
