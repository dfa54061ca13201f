#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/metrics.hpp>

#include "access/filter.hpp"
#include "http/request_decoder.hpp"
#include "http/router.hpp"
#include "net/accepted_socket.hpp"
#include "net/io_threads.hpp"

namespace pharos::http {

struct ServerSettings {
    DecoderLimits limits;
    std::chrono::seconds idle_timeout{75};    ///< between requests
    std::chrono::seconds header_timeout{20};  ///< for a whole header
    std::chrono::seconds body_timeout{60};    ///< for a whole body
    std::chrono::seconds stall_timeout{60};   ///< of a reply that the client does not read
    /// Bytes of replies that clients do not read, over all connections. From half of it on, who reads nothing for 2 s
    /// is ended; above it, who does not read at once.
    std::size_t max_unsent = 256u << 20;
    std::size_t max_held = 100'000;  ///< requests whose answer is held back, over all connections
    std::string name = "http";       ///< label of the metrics
};

class Worker;
struct ServerState;

/// HTTP/1.0 and 1.1 over descriptors that a listener hands on. A connection stays on one io thread.
///
/// Order of the end: listener.stop(), server.stop(), io.stop(). Responders may outlive all three; they do nothing then.
class Server {
public:
    /// All references must outlive the server.
    Server(net::IoThreads& io, const Router& router, const access::Filter& filter, spi::Metrics& metrics,
           ServerSettings settings = {});
    /// stop() without grace.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Any thread.
    void adopt(net::AcceptedSocket socket);

    /// Closes idle connections, lets the others finish their request until `grace` has passed, closes what is left.
    /// No handler runs once it has returned. The io threads must be running; not on one of them.
    void stop(spi::Duration grace) noexcept;

    [[nodiscard]] std::size_t connections() const noexcept;
    /// Requests whose answer is held back.
    [[nodiscard]] std::size_t held() const noexcept;
    /// Of these, those that a handler holds back: not those that wait because of a limit.
    [[nodiscard]] std::size_t long_polls() const noexcept;

private:
    net::IoThreads& io_;
    std::shared_ptr<ServerState> state_;
    std::vector<std::shared_ptr<Worker>> workers_;  ///< one per io thread
    spi::Registration connections_gauge_;
    spi::Registration held_gauge_;
    spi::Registration unsent_gauge_;
    bool stopped_ = false;
};

}  // namespace pharos::http
