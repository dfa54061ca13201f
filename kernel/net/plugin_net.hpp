#pragma once

#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/net.hpp>

#include "net/io_threads.hpp"
#include "net/udp_socket.hpp"

namespace pharos::net {

/// The node's sockets as plugins see them.
class PluginNet final : public spi::Net {
public:
    PluginNet(IoThreads& io, std::vector<std::string> addresses) : datagrams_(io, std::move(addresses)) {}

    void exchange(spi::TcpExchange exchange, spi::Completion<std::string> done) noexcept override;
    void http_get(spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept override;
    void resolve(std::string host, spi::Duration timeout,
                 spi::Completion<std::vector<std::string>> done) noexcept override;
    void resolve_srv(std::string name, spi::Duration timeout,
                     spi::Completion<std::vector<spi::SrvRecord>> done) noexcept override;
    spi::Result<std::unique_ptr<spi::UdpSocket>> open_udp(std::uint16_t port,
                                                          spi::UdpReceiver receiver) noexcept override {
        return datagrams_.open(port, std::move(receiver));
    }

private:
    UdpSockets datagrams_;
};

}  // namespace pharos::net
