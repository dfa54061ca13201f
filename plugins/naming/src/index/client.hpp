#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/sdk/shared_cell.hpp>
#include <pharos/spi/rpc.hpp>

#include "index/service.hpp"

namespace pharos::naming {

/// What is shown of a subscriber (`protocol/naming.md §2.3, §3.3`).
struct SubscriberInfo {
    std::string ip;     ///< as the client claims it
    std::string agent;  ///< "Nacos-Java-Client:v3.1.0"
    std::string app;
    std::uint16_t port = 0;  ///< of UDP subscribers
};
using SubscriberInfoPtr = std::shared_ptr<const SubscriberInfo>;

/// Whoever publishes and subscribes: a gRPC connection, an ip:port that is kept alive by beats or, as a subscriber over
/// UDP, by its queries, or an ip:port whose instances are persistent.
class Client {
public:
    /// Of a connection. The number orders publishers in lists.
    Client(std::uint64_t number, spi::ConnectionPtr connection)
        : number_(number),
          id_(connection->id),
          connection_(std::move(connection)),
          pushes_(std::make_unique<Pushes>()) {}
    /// Of an ip:port; `id` is "ip:port#true", or "ip:port#false" of one whose instances are persistent.
    Client(std::uint64_t number, std::string id)
        : number_(number), id_(std::move(id)), persistent_(id_.ends_with("#false")) {}

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    /// Null for an ip:port.
    [[nodiscard]] const spi::ConnectionPtr& connection() const noexcept { return connection_; }
    /// It stands for what the Store says of an ip:port: nobody's end takes its instances away.
    [[nodiscard]] bool is_persistent() const noexcept { return persistent_; }

    /// What it is as a subscriber; null until somebody has said.
    [[nodiscard]] SubscriberInfoPtr subscriber_info() const noexcept { return subscriber_info_.load(); }
    void set_subscriber_info(SubscriberInfoPtr info) noexcept { subscriber_info_.store(std::move(info)); }

    /// An ip:port shows a sign of life: a registration, a beat, a query that subscribes (`protocol/naming.md §6.5`).
    void touch(spi::Duration now) noexcept { last_seen_.store(now.count(), std::memory_order_relaxed); }
    [[nodiscard]] spi::Duration last_seen() const noexcept {
        return spi::Duration(last_seen_.load(std::memory_order_relaxed));
    }
    /// Wall-clock time of its last change of publications or subscriptions, for operators.
    [[nodiscard]] std::int64_t updated_ms() const noexcept { return updated_ms_.load(std::memory_order_relaxed); }

private:
    friend class Registry;
    friend class Pusher;

    const std::uint64_t number_;
    const std::string id_;
    const spi::ConnectionPtr connection_;
    sdk::SharedCell<const SubscriberInfo> subscriber_info_;
    std::atomic<std::int64_t> last_seen_{0};   ///< steady nanoseconds
    std::atomic<std::int64_t> updated_ms_{0};  ///< wall clock

    std::mutex mutex_;          ///< guards the two below; never held over a lane, a send or another lock
    std::vector<TiePtr> ties_;  ///< in order of the services' addresses in memory: most clients have few
    bool closed_ = false;
    const bool persistent_ = false;

    /// Of pushes to a connection (see Pusher).
    struct Pushes {
        std::mutex mutex;  ///< guards what follows and the push state of all ties
        std::size_t in_flight = 0;
        std::list<TiePtr> queue;  ///< not a deque, which takes half a kilobyte when it is empty
        bool sending_queued = false;
    };
    const std::unique_ptr<Pushes> pushes_;  ///< null for an ip:port, of which there may be very many
};
using ClientPtr = std::shared_ptr<Client>;

}  // namespace pharos::naming
