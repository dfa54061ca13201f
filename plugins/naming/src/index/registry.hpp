#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <pharos/sdk/lane.hpp>
#include <pharos/spi/rpc.hpp>

#include "index/client.hpp"
#include "model/hybrid_clock.hpp"

namespace pharos::naming {

/// Hears on the service's lane that its hosts or its metadata have changed, and of each new subscriber after its reply.
class ChangeListener {
public:
    virtual void on_hosts_changed(const ServicePtr& service) noexcept = 0;
    virtual void on_subscribed(const TiePtr& tie) noexcept = 0;
    /// What operators have set for the service has changed, not its hosts.
    virtual void on_metadata_changed(const ServicePtr&) noexcept {}

protected:
    ~ChangeListener() = default;
};

/// Who publishes and who subscribes a service, at one moment.
struct ServiceMembers {
    ServicePtr service;
    std::vector<Service::Publisher> publishers;
    std::vector<TiePtr> subscribers;
};

/// All services and clients of this node, and every change to them. Any thread.
///
/// A change sets the wish of a (client, service) tie and has the service take it over on its lane; `done` is called
/// there, so whoever has the answer finds the change in every later read.
class Registry {
public:
    Registry(spi::Executors& executors, std::size_t lanes);
    /// Nothing may use it any more.
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Before anything changes; it must outlive the registry's use. Listeners are told in this order.
    void add_listener(ChangeListener& listener) { listeners_.push_back(&listener); }

    // Clients.
    ClientPtr add_connection(const spi::ConnectionPtr& connection);
    [[nodiscard]] ClientPtr find_connection(spi::ConnectionNumber number) const;
    /// Takes all that the connection published and subscribed away.
    void remove_connection(spi::ConnectionNumber number);
    /// The client of an ip:port, made at first use; a sign of its life.
    ClientPtr ip_port_client(const std::string& ip, std::uint16_t port);
    [[nodiscard]] ClientPtr find_ip_port(const std::string& ip, std::uint16_t port) const;
    /// By what operators call it: a connection's id, "ip:port#true" or "ip:port#false".
    [[nodiscard]] ClientPtr find_client(std::string_view id) const;
    [[nodiscard]] std::vector<ClientPtr> clients() const;
    /// What a client publishes and subscribes, in order of namespace, group and name.
    [[nodiscard]] static std::vector<TiePtr> ties(const ClientPtr& client);

    // Changes. `done` gets the tie, or an error: kClosed, the client is gone; kConflict, with the protocol's text, the
    // service is persistent. Nothing was changed then. Taking away what is not there is no error; the tie then is null.
    using Done = spi::UniqueFunction<void(const spi::Result<TiePtr>& outcome)>;
    /// Replaces what the client has published in the service, which makes the service if it does not exist.
    void publish(const ClientPtr& client, const ServiceKey& key, PublicationPtr publication, Done done);
    /// Takes it away: a deregistration. `client` may be null. The instance at ip:port, which the request names, is
    /// taken out of what is held from the last view, too.
    void withdraw(const ClientPtr& client, const ServiceKey& key, std::string ip, std::uint16_t port, Done done);
    /// Subscribes, or changes the clusters. Pushes are newer than what `done` finds as the service's snapshot.
    void subscribe(const ClientPtr& client, const ServiceKey& key, std::string clusters, Done done);
    void unsubscribe(const ClientPtr& client, const ServiceKey& key, Done done);
    /// Replaces the publication only if it still is `expected`: for changes that time makes, not the client.
    void replace(const TiePtr& tie, const PublicationPtr& expected, PublicationPtr publication);

    /// What the Store says of a persistent instance; null: it is gone.
    struct StoredInstance {
        std::string ip;
        std::uint16_t port = 0;
        PublicationPtr publication;
    };
    enum class Entry { kRun, kPost };
    /// Shows what is stored now of some instances of one service, on its lane: in the call if the lane is free, or,
    /// `kPost`, never in the call. Who calls in order of revisions (one call at a time) has the newest shown.
    void show_stored(const ServiceKey& key, std::vector<StoredInstance> instances, Entry entry);
    /// What is shown of the persistent instance, or is about to be; null when it is not there.
    [[nodiscard]] PublicationPtr find_stored(const ServiceKey& key, const std::string& ip, std::uint16_t port) const;

    // Reads.
    /// Also one that does not exist for clients (Service::exists); null when there is none at all.
    [[nodiscard]] ServicePtr find(const ServiceKey& key) const;
    /// The tie of a client and a service, or null.
    [[nodiscard]] TiePtr find_tie(const ClientPtr& client, const ServiceKey& key) const;
    /// The service's snapshot; an empty one, as of now, when there is no such service.
    [[nodiscard]] SnapshotPtr snapshot(const ServiceKey& key);
    /// Names of a group's services that exist, in order.
    [[nodiscard]] std::vector<std::string> list(std::string_view namespace_id, std::string_view group) const;
    /// Services that exist, of one namespace or, "", of all, in order of namespace, group and name.
    [[nodiscard]] std::vector<ServicePtr> services(std::string_view namespace_id) const;
    /// All that are here, also those that only have subscribers, in no order.
    [[nodiscard]] std::vector<ServicePtr> all_services() const;
    /// Publishers and subscribers of services, in the order given, each as of when its lane was visited. `done` is
    /// called on a lane, or in the call.
    static void members(const std::vector<ServicePtr>& services,
                        spi::UniqueFunction<void(std::vector<ServiceMembers>)> done);

    struct Counts {
        std::size_t services = 0;  ///< that exist
        std::size_t instances = 0;
        std::size_t subscribers = 0;
        std::size_t connection_clients = 0;
        std::size_t ip_port_clients = 0;     ///< ephemeral
        std::size_t persistent_clients = 0;  ///< of an ip:port
        std::size_t held_services = 0;       ///< answered from the last view
    };
    [[nodiscard]] Counts count() const;

    /// Runs the task on the service's lane, which is made if it is not here: in the call if the lane is free, or,
    /// `post`, never in the call.
    void on_lane(const ServiceKey& key, Entry entry, spi::UniqueFunction<void(const ServicePtr&)> task);
    /// On the service's lane: makes a new snapshot, and tells the listeners of its hosts, of its metadata, or not.
    enum class Telling { kTell, kMetadata, kQuietly };
    void show(const ServicePtr& service, Telling telling);

    /// Takes clients of an ip:port away that are idle (`protocol/naming.md §6.5`); `cache` is how long clients keep the
    /// answer to a query.
    void sweep(spi::Duration cache);
    /// Drops encoded texts that nobody used since the last call, and services that nobody has used for two calls.
    void drop_unused();

    [[nodiscard]] HybridClock& clock() noexcept { return clock_; }

private:
    static constexpr std::size_t kShards = 64;

    struct ServiceShard {
        mutable std::shared_mutex mutex;
        std::unordered_map<ServiceKey, ServicePtr, ServiceKeyHash> services;
    };

    ServiceShard& shard_of(const ServiceKey& key) const noexcept {
        return service_shards_[ServiceKeyHash{}(key) % kShards];
    }
    ServicePtr find_or_make(const ServiceKey& key);
    /// The client's tie, or where it would be. The client's mutex must be held.
    static std::vector<TiePtr>::iterator place_of(Client& client, const Service* service);
    /// The tie, made when there is none. The client's mutex must be held.
    static TiePtr tie_of(const ClientPtr& client, const ServicePtr& service);
    /// Closes a client: all its wishes are gone. Returns its ties, for their services to take that over.
    static std::vector<TiePtr> close(Client& client);
    void apply_closed(const std::vector<TiePtr>& ties);
    /// Forgets a tie without wishes, so that a client's table does not grow with what it once did.
    static void forget_if_unused(const TiePtr& tie);
    /// On the lane: takes the tie's wishes over, answers, and tells the listeners.
    void apply(const TiePtr& tie, Service::Cause cause, Done done);
    /// Takes a publication back that the service does not admit.
    static void refuse(const TiePtr& tie);
    /// Sets the wish, then has it applied on the lane; `done` is called there.
    template <class Wish>
    void change(const ClientPtr& client, const ServicePtr& service, Service::Cause cause, Wish wish, Done done);
    /// Whether a client of an ip:port that has shown no sign of life for `idle` goes.
    static bool is_idle(Client& client, spi::Duration idle, spi::Duration cache);
    static std::string ip_port_id(const std::string& ip, std::uint16_t port, bool ephemeral = true);
    /// The client of a persistent instance; `make`: made when there is none, else null then.
    ClientPtr persistent_client(const std::string& ip, std::uint16_t port, bool make);
    /// Sets the wish of a stored instance. Null: nothing of it is here, and nothing shall be.
    TiePtr wish_stored(const ServicePtr& service, StoredInstance stored);

    /// Of the texts of small services: enough for some thousands, which then are read as fast as can be.
    static constexpr std::size_t kTextBudget = std::size_t{16} << 20;

    const spi::Clock& time_;
    const TextBudgetPtr texts_ = std::make_shared<TextBudget>(kTextBudget);
    sdk::LaneMap lanes_;
    HybridClock clock_;
    std::vector<ChangeListener*> listeners_;
    mutable std::array<ServiceShard, kShards> service_shards_;
    mutable std::shared_mutex clients_mutex_;
    std::unordered_map<spi::ConnectionNumber, ClientPtr> connections_;
    /// Clients of an ip:port by their id, which is not kept a second time: there may be very many.
    struct ById {
        using is_transparent = void;
        std::size_t operator()(std::string_view id) const noexcept { return std::hash<std::string_view>{}(id); }
        std::size_t operator()(const ClientPtr& client) const noexcept { return (*this)(client->id()); }
        bool operator()(const ClientPtr& a, const ClientPtr& b) const noexcept { return a->id() == b->id(); }
        bool operator()(const ClientPtr& a, std::string_view b) const noexcept { return a->id() == b; }
        bool operator()(std::string_view a, const ClientPtr& b) const noexcept { return a == b->id(); }
    };
    std::unordered_set<ClientPtr, ById, ById> ip_ports_;
    std::unordered_set<ClientPtr, ById, ById> persistent_;  ///< those with instances
    std::atomic<std::uint64_t> last_client_number_{0};
};

/// `Current service G@@S is ephemeral service, can't register persistent instance.` (`protocol/naming.md §2.3, §3.3`).
[[nodiscard]] std::string ephemeral_conflict(const ServiceKey& key);
/// `Current service G@@S is persistent service, can't <what> ephemeral instance.` (`protocol/naming.md §2.3, §3.3`).
[[nodiscard]] std::string persistent_conflict(const ServiceKey& key, std::string_view what);

}  // namespace pharos::naming
