#pragma once

#include <cstddef>
#include <memory>

#include "rpc/transport.hpp"

namespace pharos::rpc {

struct GrpcSettings {
    std::size_t max_frame = 10 * 1024 * 1024;        ///< inbound; a larger one is refused by status RESOURCE_EXHAUSTED
    std::size_t max_queued_bytes = 4 * 1024 * 1024;  ///< outbound, waiting on one stream; one frame may exceed it
    std::size_t max_queued_frames = 1024;            ///< likewise
    spi::Duration keepalive = std::chrono::seconds(60);
    spi::Duration keepalive_timeout = std::chrono::seconds(20);
};

/// The transport on grpc++: callback API, raw bytes, sockets handed over. All threads are gRPC's but one, "rpc-watch",
/// which sees sockets hang up: gRPC tells of that only where a call is open.
class GrpcTransport final : public Transport {
public:
    explicit GrpcTransport(GrpcSettings settings = {});
    ~GrpcTransport() override;

    void start(TransportEvents& events) override;
    ConnectionNumber adopt(int fd, const Peer& peer) noexcept override;
    spi::Status send(ConnectionNumber connection, std::string_view head, spi::Pieces body) noexcept override;
    void close(ConnectionNumber connection, std::string_view reason) noexcept override;
    bool stop(spi::Duration patience) noexcept override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::rpc
