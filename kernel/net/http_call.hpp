#pragma once

#include <pharos/spi/net.hpp>

#include "net/tcp_exchange.hpp"

namespace pharos::net {

/// A GET over one conversation of its own, as spi::Net has it. Any thread. The answer's header may have 16 KiB.
void http_get(TcpExchanges& exchanges, spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept;

}  // namespace pharos::net
