#pragma once

#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/net.hpp>

#include "net/io_threads.hpp"
#include "net/resolver.hpp"
#include "net/tcp_exchange.hpp"
#include "net/udp_socket.hpp"

namespace pharos::net {

/// The node's sockets as plugins see them.
class PluginNet final : public spi::Net {
public:
    /// `addresses` are those that the node listens on; `dns_servers` as parse_dns_servers() gives them.
    PluginNet(IoThreads& io, std::vector<std::string> addresses, std::string dns_servers)
        : exchanges_(io), resolver_(io, std::move(dns_servers)), datagrams_(io, std::move(addresses)) {}

    void exchange(spi::TcpExchange exchange, spi::Completion<std::string> done) noexcept override;
    void http_get(spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept override;
    void resolve(std::string host, spi::Duration timeout,
                 spi::Completion<std::vector<std::string>> done) noexcept override {
        resolver_.resolve(std::move(host), timeout, std::move(done));
    }
    void resolve_srv(std::string name, spi::Duration timeout,
                     spi::Completion<std::vector<spi::SrvRecord>> done) noexcept override {
        resolver_.resolve_srv(std::move(name), timeout, std::move(done));
    }
    spi::Result<std::unique_ptr<spi::UdpSocket>> open_udp(std::uint16_t port,
                                                          spi::UdpReceiver receiver) noexcept override {
        return datagrams_.open(port, std::move(receiver));
    }

    /// Ends all calls with kUnavailable. Once before and once after the io threads end; see TcpExchanges::stop().
    void stop() noexcept {
        exchanges_.stop();
        resolver_.stop();
    }

private:
    TcpExchanges exchanges_;
    Resolver resolver_;
    UdpSockets datagrams_;
};

}  // namespace pharos::net
