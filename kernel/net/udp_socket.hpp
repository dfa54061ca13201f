#pragma once

#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/net.hpp>

#include "net/io_threads.hpp"

namespace pharos::net {

/// UDP for plugins: one system socket on each of the node's addresses, all behind one spi::UdpSocket.
///
/// A datagram is sent in the caller's thread, since UDP has nothing to wait for, from the address that reaches its
/// target: loopback to loopback, else another of the same family if there is one. Datagrams that arrive are read on one
/// loop, so the receiver's calls never overlap.
class UdpSockets {
public:
    /// Numeric addresses. The loops must outlive what uses the sockets; they need not run yet.
    UdpSockets(IoThreads& io, std::vector<std::string> addresses) : io_(io), addresses_(std::move(addresses)) {}

    /// As spi::Net has it.
    spi::Result<std::unique_ptr<spi::UdpSocket>> open(std::uint16_t port, spi::UdpReceiver receiver) noexcept;

private:
    IoThreads& io_;
    const std::vector<std::string> addresses_;
};

}  // namespace pharos::net
