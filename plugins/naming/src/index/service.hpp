#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
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
[[nodiscard]] PublicationPtr publication_of(std::vector<Instance> instances, const ServiceKey& service);

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
    /// The next push is the first one after the subscription: its time must be newer than the reply's.
    std::atomic<bool> push_is_first{false};

    /// State of pushes to this subscriber, guarded by the client's push mutex (see Pusher).
    struct Push {
        bool in_flight = false;
        bool queued = false;
        bool wanted = false;  ///< something newer than what is in flight
        unsigned failures = 0;
        spi::Duration failing_since{0};
    } push;
};
using TiePtr = std::shared_ptr<Tie>;

/// A service: who publishes, who subscribes, what operators have set, and the newest snapshot. Reads take the snapshot
/// from any thread; all else lives on the lane.
///
/// It exists for clients from its first publisher or from when an API makes it until it is removed, which is some time
/// after its last publisher has left (`protocol/naming.md §6.6`). Before and after that it may be here for its
/// subscribers.
class Service {
public:
    /// `texts` is for its snapshots.
    Service(ServiceKey key, sdk::Lane& lane, std::int64_t now_ref, TextBudgetPtr texts = nullptr);
    ~Service();

    [[nodiscard]] const ServiceKey& key() const noexcept { return key_; }
    [[nodiscard]] const std::string& grouped_name() const noexcept { return grouped_name_; }
    [[nodiscard]] sdk::Lane& lane() const noexcept { return lane_; }
    [[nodiscard]] SnapshotPtr snapshot() const noexcept { return snapshot_.load(); }
    /// Whether anybody publishes. Any thread.
    [[nodiscard]] bool has_publishers() const noexcept { return publisher_count_.load(std::memory_order_relaxed) != 0; }
    /// Whether clients and operators see it. Any thread.
    [[nodiscard]] bool exists() const noexcept { return exists_.load(std::memory_order_relaxed); }
    /// The ephemeral flag, which the first creator sets (`protocol/naming.md §7.2`). Any thread.
    [[nodiscard]] bool is_ephemeral() const noexcept { return ephemeral_.load(std::memory_order_relaxed); }
    /// Whether any of its instances is persistent. Any thread.
    [[nodiscard]] bool has_persistent() const noexcept {
        return persistent_count_.load(std::memory_order_relaxed) != 0;
    }
    /// Since when it exists without a publisher, on the steady clock. Any thread.
    [[nodiscard]] spi::Duration empty_since() const noexcept {
        return spi::Duration(empty_since_.load(std::memory_order_relaxed));
    }
    /// When it last lost an instance whose client ended without a word, on the steady clock. Any thread.
    [[nodiscard]] spi::Duration lost_at() const noexcept {
        return spi::Duration(lost_at_.load(std::memory_order_relaxed));
    }
    /// Answered from the last view (see hold()). Any thread.
    [[nodiscard]] bool is_held() const noexcept { return is_held_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t subscriber_count() const noexcept {
        return subscriber_count_.load(std::memory_order_relaxed);
    }

    // On the lane only:

    /// Whether a new instance of this kind fits: a service is ephemeral or persistent as a whole.
    [[nodiscard]] bool takes(bool ephemeral) const noexcept;
    /// Whether it takes publications of this tie. What is persistent was judged before it was stored.
    [[nodiscard]] bool admits(const TiePtr& tie) const;
    /// What a sync changed.
    struct Changes {
        bool hosts = false;
        bool subscribed = false;  ///< the tie has become a subscriber
    };
    /// Why a tie is synced: a registration, something else that was asked for, or a client that ended without a word.
    enum class Cause : std::uint8_t { kRegistration = 0, kAsked = 1, kEnded = 2 };
    /// Takes the tie's wishes over. The caller makes a new snapshot when hosts changed.
    Changes sync(const TiePtr& tie, Cause cause, spi::Duration now);
    /// Makes and shows the snapshot of what is published, held and overridden now.
    void renew_snapshot(std::int64_t last_ref_time, spi::Duration now);

    /// What operators have set; null = nothing. The caller makes a new snapshot.
    void set_metadata(ServiceMetadataPtr metadata, spi::Duration now);
    void set_override(const std::string& tag, const InstanceOverride* override);
    /// Somebody is about to make it with this flag: registrations go by it, until as many unreserve it. Only with a
    /// flag that it takes.
    void reserve(bool ephemeral) noexcept {
        reserved_ephemeral_ = ephemeral;
        ++reservations_;
    }
    void unreserve() noexcept { --reservations_; }
    [[nodiscard]] bool is_reserved() const noexcept { return reservations_ != 0; }
    /// Clients see it no more. Nobody may publish it.
    void remove() noexcept;

    /// Answers with these hosts, too, until at least `enough` live ones are there (see LastViews).
    void hold(std::vector<HostPtr> hosts, std::size_t enough, spi::Duration now);
    /// Takes an instance that was deregistered out of what is held. True: it was in there.
    bool forget_held(std::string_view ip, std::uint16_t port);
    /// From now on the truth is shown. The caller makes a new snapshot.
    void release(spi::Duration now) noexcept;

    struct Publisher {
        TiePtr tie;
        PublicationPtr applied;
    };
    [[nodiscard]] const std::vector<Publisher>& publishers() const noexcept { return publishers_; }
    [[nodiscard]] const std::vector<TiePtr>& subscribers() const noexcept { return subscribers_; }
    [[nodiscard]] PushWindow& push_window() noexcept { return push_window_; }

    /// Its view on disk is older than what it shows (see LastViews). Any thread.
    std::atomic<bool> view_is_dirty{false};
    /// Some of it is probed (see HealthProbes). Any thread.
    std::atomic<bool> is_probed{false};
    /// Sweeps that found nobody using it in a row; guarded by the registry's table.
    unsigned idle_sweeps = 0;

private:
    struct Held;

    bool sync_publication(const TiePtr& tie, Cause cause, spi::Duration now);
    /// A publisher has joined or left.
    void count_publishers(const Client& changed, bool joined, spi::Duration now) noexcept;
    bool sync_subscription(const TiePtr& tie);
    /// Makes it exist, with this flag if it did not.
    void create(bool ephemeral, spi::Duration now) noexcept;
    /// Reported host → host with its override.
    using Merged = std::unordered_map<HostPtr, HostPtr>;
    /// The host as clients see it, encoded once: taken from merged_ if it is there, and kept in `after`.
    [[nodiscard]] HostPtr merged(const HostPtr& host, Merged& after) const;

    const ServiceKey key_;
    const std::string grouped_name_;
    sdk::Lane& lane_;
    const TextBudgetPtr texts_;
    sdk::SharedCell<const ServiceSnapshot> snapshot_;
    std::atomic<std::size_t> publisher_count_{0};
    std::atomic<std::size_t> subscriber_count_{0};
    std::atomic<std::int64_t> empty_since_{0};
    std::atomic<std::int64_t> lost_at_{0};
    std::atomic<bool> exists_{false};
    std::atomic<bool> ephemeral_{true};
    std::atomic<bool> is_held_{false};
    std::atomic<std::uint32_t> persistent_count_{0};  ///< publishers that are persistent

    std::uint32_t reservations_ = 0;
    bool reserved_ephemeral_ = true;     ///< of all of them
    std::vector<Publisher> publishers_;  ///< in order of client numbers
    std::vector<TiePtr> subscribers_;    ///< in no order
    ServiceMetadataPtr metadata_;
    OverridesPtr overrides_;
    std::unique_ptr<Merged> merged_;  ///< of the snapshot that is shown; only with overrides
    std::unique_ptr<Held> held_;      ///< only while it is answered from the last view
    PushWindow push_window_;
};
using ServicePtr = std::shared_ptr<Service>;

}  // namespace pharos::naming
