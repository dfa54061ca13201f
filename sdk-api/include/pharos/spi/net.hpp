#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/bytes.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/function.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// A datagram that has arrived. All views are valid during the receiver's call only.
struct UdpDatagram {
    /// Of the sender, numeric and in its shortest spelling; an IPv4 sender is never written as an IPv6 one.
    std::string_view ip;
    std::uint16_t port = 0;
    std::string_view data;
};

/// Called for each datagram, on an io thread, one call at a time. Must not block and must not throw. The data is
/// whatever anybody sent.
using UdpReceiver = UniqueFunction<void(const UdpDatagram&)>;

/// Sends and receives datagrams until it is destroyed. Made by the kernel, owned by whoever asked for it.
class UdpSocket {
public:
    /// Closes it. Once the destructor has returned, no receiver's call is under way and none begins. Not from the
    /// receiver.
    virtual ~UdpSocket() = default;

    /// Hands one datagram to the system, without waiting: ok means that it was sent, not that it arrives. Any thread.
    /// Errors: kInvalidArgument (`ip` is no numeric unicast address, the port is 0, or the node listens on no address
    /// of this family), kTooLarge (more than a datagram holds), kUnavailable (the system has no room or no way there
    /// now).
    virtual Status send_to(std::string_view ip, std::uint16_t port, Pieces data) noexcept = 0;

    /// Where it is bound, for logs: "127.0.0.1:40123,[::1]:40124".
    [[nodiscard]] virtual const std::string& bound_to() const noexcept = 0;
};

/// One short conversation over TCP: connect, send, read the answer, close.
struct TcpExchange {
    std::string ip;  ///< numeric
    std::uint16_t port = 0;
    std::string send;  ///< may be empty
    /// Sees all that has arrived so far each time more comes, on an io thread; true ends the conversation well. It must
    /// not block and must not throw. Its calls and the completion come one after the other, the completion last: what
    /// they share needs no lock, such as a copy of what had come before an error, which the error does not have. Null:
    /// to be connected is enough, nothing is sent or read.
    UniqueFunction<bool(std::string_view received)> is_complete = nullptr;
    std::size_t max_received = 64 << 10;         ///< bytes; what is longer and still not complete is kTooLarge
    Duration timeout = std::chrono::seconds(1);  ///< of the whole
};

/// A request without a body to an HTTP/1.1 server. Redirects are not followed.
struct HttpCall {
    std::string ip;  ///< numeric
    std::uint16_t port = 0;
    std::string path = "/";
    std::vector<std::pair<std::string, std::string>> headers;  ///< besides Host, Connection
    std::size_t max_body = 64 << 10;                           ///< bytes
    Duration timeout = std::chrono::seconds(1);                ///< of the whole
};

struct HttpAnswer {
    int status = 0;
    std::string body;
};

/// Who offers a service by DNS (RFC 2782).
struct SrvRecord {
    std::string host;  ///< the target, without the last dot
    std::uint16_t port = 0;
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
};

/// Sockets for plugins, so that no plugin needs a networking library or a thread for them.
///
/// The asynchronous calls may come from any thread once all plugins have started or, in start(), before: they then
/// begin when the node's io threads do. Completions run on an io thread, never in the call, and always, at the latest
/// when the node stops (kUnavailable). Errors of all of them: kInvalidArgument (the address is not numeric, a port is
/// 0, a header or path has bytes that HTTP does not allow), kTimeout, kUnavailable (nobody listens there: the
/// connection was refused, or the node stops), kClosed (the other end went away in the middle), kTooLarge, kDenied
/// (this machine has no descriptor, port or memory for it, or forbids it), kInternal (any other answer of the system;
/// the message has it).
class Net {
public:
    /// Done with all that was received.
    virtual void exchange(TcpExchange exchange, Completion<std::string> done) noexcept = 0;
    /// GET. Done with what was answered, whatever its status; kInvalidArgument: what answers does not speak HTTP.
    virtual void http_get(HttpCall call, Completion<HttpAnswer> done) noexcept = 0;
    /// Numeric addresses of a host, IPv4 first, from the servers of `net.dns_servers` or the system's. kNotFound: the
    /// name does not exist, or has no address.
    virtual void resolve(std::string host, Duration timeout, Completion<std::vector<std::string>> done) noexcept = 0;
    /// SRV records of a name, in order of priority, then of target and port. kNotFound as above.
    virtual void resolve_srv(std::string name, Duration timeout, Completion<std::vector<SrvRecord>> done) noexcept = 0;

    /// A UDP socket on every address that the node listens on, so that it is reachable for whom the node is and for
    /// nobody else. `port` 0: one that the system chooses, for each address its own. Any thread, but meant for
    /// start(); datagrams arrive once all plugins have started. Error kUnavailable: an address cannot be bound; the
    /// message says which and why.
    virtual Result<std::unique_ptr<UdpSocket>> open_udp(std::uint16_t port, UdpReceiver receiver) noexcept = 0;

protected:
    ~Net() = default;
};

}  // namespace pharos::spi
