#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <pharos/spi/rpc.hpp>

#include "index/service.hpp"

namespace pharos::naming {

/// Whoever publishes and subscribes: a gRPC connection, or an ip:port that is kept alive by beats.
class Client {
public:
    /// Of a connection. The number orders publishers in lists.
    Client(std::uint64_t number, spi::ConnectionPtr connection)
        : number_(number), id_(connection->id), connection_(std::move(connection)) {}
    /// Of an ip:port; `id` is "ip:port#true".
    Client(std::uint64_t number, std::string id) : number_(number), id_(std::move(id)) {}

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    /// Null for an ip:port.
    [[nodiscard]] const spi::ConnectionPtr& connection() const noexcept { return connection_; }

private:
    friend class Registry;
    friend class Pusher;

    const std::uint64_t number_;
    const std::string id_;
    const spi::ConnectionPtr connection_;

    std::mutex mutex_;  ///< guards the two below; never held over a lane, a send or another lock
    std::unordered_map<const Service*, TiePtr> ties_;
    bool closed_ = false;

    std::mutex push_mutex_;  ///< guards what follows and the push state of all ties
    std::size_t pushes_in_flight_ = 0;
    std::deque<TiePtr> push_queue_;
    bool sending_queued_ = false;
};
using ClientPtr = std::shared_ptr<Client>;

}  // namespace pharos::naming
