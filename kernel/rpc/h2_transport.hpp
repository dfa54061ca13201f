#pragma once

#include <cstddef>
#include <memory>
#include <shared_mutex>

#include <pharos/spi/metrics.hpp>

#include "net/io_threads.hpp"
#include "rpc/transport.hpp"

namespace pharos::rpc {

struct H2Settings {
    std::size_t max_frame = 10 * 1024 * 1024;        ///< inbound; a larger one is refused by status RESOURCE_EXHAUSTED
    std::size_t max_queued_bytes = 4 * 1024 * 1024;  ///< outbound, waiting on one stream; one frame may exceed it
    std::size_t max_queued_frames = 1024;            ///< likewise
    /// Answers that wait for a client that does not read them; its connection ends there.
    std::size_t max_unsent_bytes = 256 * 1024 * 1024;
    std::size_t max_header_bytes = 64 * 1024;  ///< of one call
    std::uint32_t max_streams = 1024;          ///< calls under way on one connection
    std::size_t max_resets = 1000;             ///< calls given up by the client, in a few seconds
    std::size_t max_control_frames = 20'000;   ///< that bring nothing, in a few seconds
    spi::Duration keepalive = std::chrono::seconds(60);
    spi::Duration keepalive_timeout = std::chrono::seconds(20);
    spi::Duration preface_timeout = std::chrono::seconds(20);  ///< for the first bytes of a client
    spi::Duration stall_timeout = std::chrono::seconds(60);    ///< of answers of which the client reads nothing
};

class H2Core;

/// The transport on libnghttp2 and the kernel's io threads. A connection lives on one of them; events come there, but
/// for opened(), which adopt() tells, and closed(), which close() may.
class H2Transport final : public Transport {
public:
    /// The threads must run from the first adopt() until stop() has returned.
    explicit H2Transport(net::IoThreads& io, H2Settings settings = {}, spi::Metrics* metrics = nullptr);
    ~H2Transport() override;

    void start(TransportEvents& events) override;
    ConnectionNumber adopt(int fd, const Peer& peer) noexcept override;
    spi::Status send(ConnectionNumber connection, std::string_view head, spi::Pieces body) noexcept override;
    void close(ConnectionNumber connection, std::string_view reason) noexcept override;
    /// Not on an io thread.
    bool stop(spi::Duration patience) noexcept override;

private:
    net::IoThreads& io_;
    const std::shared_ptr<H2Core> core_;  ///< shared with calls that may outlive this
    std::shared_mutex mutex_;             ///< of running_; shared by adopt(), so that stop() waits for it
    bool running_ = false;
};

}  // namespace pharos::rpc
