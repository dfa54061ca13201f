#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/net.hpp>

#include "net/io_threads.hpp"

namespace pharos::net {

/// DNS servers as c-ares takes them, of addresses such as "10.0.0.2", "10.0.0.2:5353", "fd00::2" or "[fd00::2]:5353".
/// Error kInvalidArgument: names the one that is none of these.
spi::Result<std::string> parse_dns_servers(const std::vector<std::string>& servers);

/// Asks DNS servers, on the first of the io loops, by UDP and, if an answer was cut, by TCP; what /etc/hosts has is
/// asked of nobody. What the system's files say is read anew about every minute.
class Resolver {
public:
    using Addresses = spi::Completion<std::vector<std::string>>;
    using Records = spi::Completion<std::vector<spi::SrvRecord>>;

    /// `servers`: of parse_dns_servers(); empty: the system's.
    Resolver(IoThreads& io, std::string servers);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// As spi::Net has it.
    void resolve(std::string host, spi::Duration timeout, Addresses done) noexcept;
    void resolve_srv(std::string name, spi::Duration timeout, Records done) noexcept;

    /// As TcpExchanges::stop().
    void stop() noexcept;

private:
    class Loop;

    IoThreads& io_;
    std::shared_ptr<Loop> loop_;
    std::atomic<bool> ended_{false};
};

}  // namespace pharos::net
