#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include <pharos/spi/status.hpp>

#include "http/owned_request.hpp"

namespace pharos::http {

/// A request that waits because of a limit; counted as long as it does.
struct PacedRequest {
    template <class Socket>
    PacedRequest(std::atomic<std::size_t>& all, Socket& socket, const spi::HttpRequest& kept, spi::Status why)
        : count(all), timer(socket.get_executor()), request(kept), refused(std::move(why)) {
        count.fetch_add(1, std::memory_order_relaxed);
    }
    PacedRequest(const PacedRequest&) = delete;
    PacedRequest& operator=(const PacedRequest&) = delete;
    ~PacedRequest() { count.fetch_sub(1, std::memory_order_relaxed); }

    std::atomic<std::size_t>& count;
    boost::asio::steady_timer timer;
    const OwnedRequest request;
    const spi::Status refused;  ///< not ok: it is refused, with this, when its time has come
};

}  // namespace pharos::http
