#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <pharos/spi/bytes.hpp>
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

/// Sockets for plugins, so that no plugin needs a networking library or a thread for them.
class Net {
public:
    /// A UDP socket on every address that the node listens on, so that it is reachable for whom the node is and for
    /// nobody else. `port` 0: one that the system chooses, for each address its own. Any thread, but meant for
    /// start(); datagrams arrive once all plugins have started. Error kUnavailable: an address cannot be bound; the
    /// message says which and why.
    virtual Result<std::unique_ptr<UdpSocket>> open_udp(std::uint16_t port, UdpReceiver receiver) noexcept = 0;

protected:
    ~Net() = default;
};

}  // namespace pharos::spi
