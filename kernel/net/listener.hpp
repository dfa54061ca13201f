#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/function.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/status.hpp>

#include "net/accepted_socket.hpp"
#include "net/io_threads.hpp"

namespace pharos::net {

/// A numeric address ("0.0.0.0", "::1") and a port; 0 = any free one.
struct ListenAddress {
    std::string host;
    std::uint16_t port = 0;
};

struct ListenerSettings {
    std::vector<ListenAddress> addresses;
    std::string name = "http";  ///< label of the metrics
    /// Looks at the first bytes before handing on; see Sniff.
    bool sniff = false;
    std::chrono::milliseconds sniff_timeout{10'000};
    std::size_t max_connections = 200'000;
    /// Generous: thousands of clients may sit behind one NAT.
    std::size_t max_per_remote_ip = 20'000;
    int backlog = 4096;
};

/// Accepts connections on several addresses, one acceptor each, and hands the descriptors on.
///
/// Over a limit a connection is closed at once and counted. Out of descriptors it pauses for 100 ms. start() and
/// stop() from one thread; the callback runs on io threads.
class Listener {
public:
    using OnAccept = spi::UniqueFunction<void(AcceptedSocket)>;

    Listener(IoThreads& io, ListenerSettings settings, spi::Metrics& metrics, OnAccept on_accept);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Binds every address or none. The error names the address and what to do.
    spi::Status start();
    /// Closes the ports; connections still being sniffed die with their first bytes or their timeout. No callback
    /// runs once it has returned. Not from the callback.
    void stop() noexcept;

    /// Bound ports, in order of the addresses.
    [[nodiscard]] const std::vector<std::uint16_t>& ports() const noexcept { return ports_; }
    /// Connections whose ticket lives.
    [[nodiscard]] std::size_t connections() const noexcept;

private:
    struct Shared;
    class Acceptor;
    class Sniffer;

    IoThreads& io_;
    std::shared_ptr<Shared> shared_;
    std::vector<std::shared_ptr<Acceptor>> acceptors_;
    std::vector<std::uint16_t> ports_;
    spi::Registration gauge_;
};

}  // namespace pharos::net
