#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <pharos/sdk/lane.hpp>
#include <pharos/sdk/shared_cell.hpp>

#include "model/snapshot.hpp"
#include "push/push_window.hpp"

namespace pharos::naming {

class Client;
class Service;

/// What one client has published in one service. Immutable; a batch has several hosts.
struct Publication {
    std::vector<HostPtr> hosts;
};
using PublicationPtr = std::shared_ptr<const Publication>;

/// What binds one client to one service: the state that the client wants. The service takes it over on its lane
/// (Service::sync), so that tasks that overtake each other do no harm: each applies the newest wish.
struct Tie {
    Tie(std::shared_ptr<Client> owner, std::shared_ptr<Service> bound)
        : client(std::move(owner)), service(std::move(bound)) {}

    const std::shared_ptr<Client> client;
    const std::shared_ptr<Service> service;

    sdk::SharedCell<const Publication> publication;   ///< null = publishes nothing
    sdk::SharedCell<const std::string> subscription;  ///< the clusters asked for; null = none
    std::atomic<std::int64_t> last_beat{0};           ///< steady nanoseconds; clients kept by beats
    spi::Duration beat_due{0};                        ///< in the ring of Heartbeats until then, which guards it

    /// State of pushes to this subscriber, guarded by the client's push mutex (see Pusher).
    struct Push {
        bool in_flight = false;
        bool queued = false;
        bool wanted = false;  ///< something newer than what is in flight
        bool first = false;   ///< the first one after the subscription: its time must be newer than the reply's
        unsigned failures = 0;
        spi::Duration failing_since{0};
    } push;
};
using TiePtr = std::shared_ptr<Tie>;

/// A service: who publishes, who subscribes, and the newest snapshot. Reads take the snapshot from any thread; all
/// else lives on the lane.
class Service {
public:
    Service(ServiceKey key, sdk::Lane& lane, std::int64_t now_ref);

    [[nodiscard]] const ServiceKey& key() const noexcept { return key_; }
    [[nodiscard]] const std::string& grouped_name() const noexcept { return grouped_name_; }
    [[nodiscard]] sdk::Lane& lane() const noexcept { return lane_; }
    [[nodiscard]] SnapshotPtr snapshot() const noexcept { return snapshot_.load(); }
    /// Whether anybody publishes: only then it exists for clients. Any thread.
    [[nodiscard]] bool has_publishers() const noexcept { return publisher_count_.load(std::memory_order_relaxed) != 0; }
    [[nodiscard]] std::size_t subscriber_count() const noexcept {
        return subscriber_count_.load(std::memory_order_relaxed);
    }

    // On the lane only:

    /// What a sync changed.
    struct Changes {
        bool hosts = false;
        bool subscribed = false;  ///< the tie has become a subscriber
    };
    /// Takes the tie's wishes over. The caller makes a new snapshot when hosts changed.
    Changes sync(const TiePtr& tie);
    /// Makes and shows the snapshot of what is published now.
    void renew_snapshot(std::int64_t last_ref_time);
    [[nodiscard]] const std::vector<TiePtr>& subscribers() const noexcept { return subscribers_; }
    [[nodiscard]] PushWindow& push_window() noexcept { return push_window_; }
    /// Sweeps that found nobody using it in a row; guarded by the registry's table.
    unsigned idle_sweeps = 0;

private:
    struct Publisher {
        TiePtr tie;
        PublicationPtr applied;
    };

    bool sync_publication(const TiePtr& tie);
    bool sync_subscription(const TiePtr& tie);

    const ServiceKey key_;
    const std::string grouped_name_;
    sdk::Lane& lane_;
    sdk::SharedCell<const ServiceSnapshot> snapshot_;
    std::atomic<std::size_t> publisher_count_{0};
    std::atomic<std::size_t> subscriber_count_{0};

    std::vector<Publisher> publishers_;  ///< in order of client numbers
    std::vector<TiePtr> subscribers_;    ///< in no order
    PushWindow push_window_;
};
using ServicePtr = std::shared_ptr<Service>;

}  // namespace pharos::naming
