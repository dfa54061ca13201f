#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <pharos/sdk/lane.hpp>
#include <pharos/spi/rpc.hpp>

#include "index/client.hpp"
#include "model/hybrid_clock.hpp"

namespace pharos::naming {

/// Hears on the service's lane that its hosts have changed, and of each new subscriber after its reply.
class ChangeListener {
public:
    virtual void on_hosts_changed(const ServicePtr& service) noexcept = 0;
    virtual void on_subscribed(const TiePtr& tie) noexcept = 0;

protected:
    ~ChangeListener() = default;
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

    /// Before anything changes; it must outlive the registry's use.
    void set_listener(ChangeListener& listener) noexcept { listener_ = &listener; }

    // Clients.
    ClientPtr add_connection(const spi::ConnectionPtr& connection);
    [[nodiscard]] ClientPtr find_connection(spi::ConnectionNumber number) const;
    /// Takes all that the connection published and subscribed away.
    void remove_connection(spi::ConnectionNumber number);
    /// The client of an ip:port, made at first use.
    ClientPtr ip_port_client(const std::string& ip, std::uint16_t port);
    [[nodiscard]] ClientPtr find_ip_port(const std::string& ip, std::uint16_t port) const;

    // Changes. `done` gets the tie; null: the client is gone (or, taking away, has no tie), nothing was changed.
    using Done = spi::UniqueFunction<void(const TiePtr& tie)>;
    /// Replaces what the client has published in the service.
    void publish(const ClientPtr& client, const ServiceKey& key, PublicationPtr publication, Done done);
    /// Takes it away; a client or service that does not know of it is no error.
    void withdraw(const ClientPtr& client, const ServiceKey& key, Done done);
    /// Subscribes, or changes the clusters. Pushes are newer than what `done` finds as the service's snapshot.
    void subscribe(const ClientPtr& client, const ServiceKey& key, std::string clusters, Done done);
    void unsubscribe(const ClientPtr& client, const ServiceKey& key, Done done);
    /// Replaces the publication only if it still is `expected`: for changes that time makes, not the client.
    void replace(const TiePtr& tie, const PublicationPtr& expected, PublicationPtr publication);

    // Reads.
    [[nodiscard]] ServicePtr find(const ServiceKey& key) const;
    /// The tie of a client and a service, or null.
    [[nodiscard]] TiePtr find_tie(const ClientPtr& client, const ServiceKey& key) const;
    /// The service's snapshot; an empty one, as of now, when there is no such service.
    [[nodiscard]] SnapshotPtr snapshot(const ServiceKey& key);
    /// Names of a group's services that have publishers, in order.
    [[nodiscard]] std::vector<std::string> list(std::string_view namespace_id, std::string_view group) const;

    struct Counts {
        std::size_t services = 0;
        std::size_t instances = 0;
        std::size_t subscribers = 0;
        std::size_t connection_clients = 0;
        std::size_t ip_port_clients = 0;
    };
    [[nodiscard]] Counts count() const;

    /// Drops encoded texts that nobody used lately, and services that have been idle for two sweeps.
    void sweep();

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
    [[nodiscard]] std::vector<ServicePtr> all_services() const;
    /// The tie, made when there is none; null when the client is closed.
    TiePtr tie_of(const ClientPtr& client, const ServicePtr& service);
    /// Closes a client: all its wishes are gone. Returns its ties, for their services to take that over.
    static std::vector<TiePtr> close(Client& client);
    /// Forgets a tie without wishes, so that a client's table does not grow with what it once did.
    static void forget_if_unused(const TiePtr& tie);
    /// On the lane: takes the tie's wishes over, answers, and tells the listener.
    void apply(const TiePtr& tie, Done done);
    /// Sets the wish, then has it applied on the lane; `done` is called there.
    template <class Wish>
    void change(const ClientPtr& client, const ServicePtr& service, Wish wish, Done done);
    static std::string ip_port_id(const std::string& ip, std::uint16_t port);

    sdk::LaneMap lanes_;
    HybridClock clock_;
    ChangeListener* listener_ = nullptr;
    mutable std::array<ServiceShard, kShards> service_shards_;
    mutable std::shared_mutex clients_mutex_;
    std::unordered_map<spi::ConnectionNumber, ClientPtr> connections_;
    std::unordered_map<std::string, ClientPtr> ip_ports_;
    std::atomic<std::uint64_t> last_client_number_{0};
};

}  // namespace pharos::naming
