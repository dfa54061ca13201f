#include "index/registry.hpp"

#include <algorithm>
#include <utility>

namespace pharos::naming {

Registry::Registry(spi::Executors& executors, std::size_t lanes)
    : lanes_(executors.work(), lanes), clock_(executors.clock()) {}

Registry::~Registry() {
    // Clients, ties and services refer to each other: what is left must be taken apart.
    std::vector<ClientPtr> clients;
    for (const auto& [number, client] : connections_) {
        clients.push_back(client);
    }
    for (const auto& [id, client] : ip_ports_) {
        clients.push_back(client);
    }
    for (const ClientPtr& client : clients) {
        for (const TiePtr& tie : close(*client)) {
            tie->service->sync(tie);
        }
    }
}

std::string Registry::ip_port_id(const std::string& ip, std::uint16_t port) {
    return ip + ":" + std::to_string(port) + "#true";
}

ClientPtr Registry::add_connection(const spi::ConnectionPtr& connection) {
    auto client = std::make_shared<Client>(++last_client_number_, connection);
    std::unique_lock lock(clients_mutex_);
    connections_[connection->number] = client;
    return client;
}

ClientPtr Registry::find_connection(spi::ConnectionNumber number) const {
    std::shared_lock lock(clients_mutex_);
    const auto found = connections_.find(number);
    return found == connections_.end() ? nullptr : found->second;
}

void Registry::remove_connection(spi::ConnectionNumber number) {
    ClientPtr client;
    {
        std::unique_lock lock(clients_mutex_);
        const auto found = connections_.find(number);
        if (found == connections_.end()) {
            return;
        }
        client = std::move(found->second);
        connections_.erase(found);
    }
    for (const TiePtr& tie : close(*client)) {
        tie->service->lane().run([this, tie] { apply(tie, nullptr); });
    }
}

std::vector<TiePtr> Registry::close(Client& client) {
    std::vector<TiePtr> ties;
    std::lock_guard lock(client.mutex_);
    client.closed_ = true;
    ties.reserve(client.ties_.size());
    for (const auto& [service, tie] : client.ties_) {
        tie->publication.store(nullptr);
        tie->subscription.store(nullptr);
        ties.push_back(tie);
    }
    client.ties_.clear();
    return ties;
}

ClientPtr Registry::ip_port_client(const std::string& ip, std::uint16_t port) {
    std::string id = ip_port_id(ip, port);
    {
        std::shared_lock lock(clients_mutex_);
        if (const auto found = ip_ports_.find(id); found != ip_ports_.end()) {
            return found->second;
        }
    }
    std::unique_lock lock(clients_mutex_);
    ClientPtr& client = ip_ports_[id];
    if (client == nullptr) {
        client = std::make_shared<Client>(++last_client_number_, std::move(id));
    }
    return client;
}

ClientPtr Registry::find_ip_port(const std::string& ip, std::uint16_t port) const {
    std::shared_lock lock(clients_mutex_);
    const auto found = ip_ports_.find(ip_port_id(ip, port));
    return found == ip_ports_.end() ? nullptr : found->second;
}

ServicePtr Registry::find(const ServiceKey& key) const {
    ServiceShard& shard = shard_of(key);
    std::shared_lock lock(shard.mutex);
    const auto found = shard.services.find(key);
    return found == shard.services.end() ? nullptr : found->second;
}

ServicePtr Registry::find_or_make(const ServiceKey& key) {
    if (ServicePtr found = find(key)) {
        return found;
    }
    ServiceShard& shard = shard_of(key);
    std::unique_lock lock(shard.mutex);
    ServicePtr& service = shard.services[key];
    if (service == nullptr) {
        service = std::make_shared<Service>(key, lanes_.of(ServiceKeyHash{}(key)), clock_.next());
    }
    return service;
}

SnapshotPtr Registry::snapshot(const ServiceKey& key) {
    const ServicePtr service = find(key);
    return service != nullptr ? service->snapshot()
                              : std::make_shared<const ServiceSnapshot>(std::vector<HostPtr>{}, clock_.next());
}

TiePtr Registry::tie_of(const ClientPtr& client, const ServicePtr& service) {
    TiePtr& tie = client->ties_[service.get()];
    if (tie == nullptr) {
        tie = std::make_shared<Tie>(client, service);
    }
    return tie;
}

void Registry::forget_if_unused(const TiePtr& tie) {
    const auto found = tie->client->ties_.find(tie->service.get());
    if (found != tie->client->ties_.end() && found->second == tie && tie->publication.load() == nullptr &&
        tie->subscription.load() == nullptr) {
        tie->client->ties_.erase(found);
    }
}

void Registry::apply(const TiePtr& tie, Done done) {
    const Service::Changes changes = tie->service->sync(tie);
    if (changes.hosts) {
        tie->service->renew_snapshot(clock_.next());
    }
    if (done) {
        done(tie);
    }
    if (changes.hosts) {
        listener_->on_hosts_changed(tie->service);
    }
    if (changes.subscribed) {
        listener_->on_subscribed(tie);
    }
}

template <class Wish>
void Registry::change(const ClientPtr& client, const ServicePtr& service, Wish wish, Done done) {
    TiePtr tie;
    {
        std::lock_guard lock(client->mutex_);
        if (!client->closed_) {
            tie = tie_of(client, service);
            wish(*tie);
            forget_if_unused(tie);
        }
    }
    if (tie == nullptr) {
        done(nullptr);
        return;
    }
    service->lane().run(
        [this, tie = std::move(tie), done = std::move(done)]() mutable { apply(tie, std::move(done)); });
}

void Registry::publish(const ClientPtr& client, const ServiceKey& key, PublicationPtr publication, Done done) {
    change(
        client, find_or_make(key), [&](Tie& tie) { tie.publication.store(std::move(publication)); }, std::move(done));
}

void Registry::withdraw(const ClientPtr& client, const ServiceKey& key, Done done) {
    const TiePtr tie = find_tie(client, key);
    if (tie == nullptr) {
        done(nullptr);
        return;
    }
    change(
        client, tie->service, [](Tie& wish) { wish.publication.store(nullptr); }, std::move(done));
}

void Registry::subscribe(const ClientPtr& client, const ServiceKey& key, std::string clusters, Done done) {
    change(
        client, find_or_make(key),
        [&](Tie& tie) { tie.subscription.store(std::make_shared<const std::string>(std::move(clusters))); },
        std::move(done));
}

void Registry::unsubscribe(const ClientPtr& client, const ServiceKey& key, Done done) {
    const TiePtr tie = find_tie(client, key);
    if (tie == nullptr) {
        done(nullptr);
        return;
    }
    change(
        client, tie->service, [](Tie& wish) { wish.subscription.store(nullptr); }, std::move(done));
}

void Registry::replace(const TiePtr& tie, const PublicationPtr& expected, PublicationPtr publication) {
    {
        std::lock_guard lock(tie->client->mutex_);
        if (tie->publication.load() != expected) {
            return;
        }
        tie->publication.store(std::move(publication));
        forget_if_unused(tie);
    }
    tie->service->lane().run([this, tie] { apply(tie, nullptr); });
}

TiePtr Registry::find_tie(const ClientPtr& client, const ServiceKey& key) const {
    const ServicePtr service = find(key);
    if (service == nullptr) {
        return nullptr;
    }
    std::lock_guard lock(client->mutex_);
    const auto found = client->ties_.find(service.get());
    return found == client->ties_.end() ? nullptr : found->second;
}

std::vector<ServicePtr> Registry::all_services() const {
    std::vector<ServicePtr> services;
    for (const ServiceShard& shard : service_shards_) {
        std::shared_lock lock(shard.mutex);
        for (const auto& [key, service] : shard.services) {
            services.push_back(service);
        }
    }
    return services;
}

std::vector<std::string> Registry::list(std::string_view namespace_id, std::string_view group) const {
    std::vector<std::string> names;
    for (const ServicePtr& service : all_services()) {
        const ServiceKey& key = service->key();
        if (key.namespace_id == namespace_id && key.group == group && service->has_publishers()) {
            names.push_back(key.name);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

Registry::Counts Registry::count() const {
    Counts counts;
    for (const ServicePtr& service : all_services()) {
        counts.services += service->has_publishers() ? 1u : 0u;
        counts.instances += service->snapshot()->hosts().size();
        counts.subscribers += service->subscriber_count();
    }
    std::shared_lock lock(clients_mutex_);
    counts.connection_clients = connections_.size();
    counts.ip_port_clients = ip_ports_.size();
    return counts;
}

void Registry::sweep() {
    constexpr unsigned kIdleSweeps = 2;
    for (ServiceShard& shard : service_shards_) {
        std::unique_lock lock(shard.mutex);
        for (auto entry = shard.services.begin(); entry != shard.services.end();) {
            // References to a service come from this table, under its lock, or from another reference: if the table's
            // is the only one, nobody can be about to change it.
            const ServicePtr& service = entry->second;
            service->snapshot()->drop_unused_text();
            const bool unused = service.use_count() == 1;
            service->idle_sweeps = unused ? service->idle_sweeps + 1 : 0;
            entry = service->idle_sweeps > kIdleSweeps ? shard.services.erase(entry) : std::next(entry);
        }
    }
    std::unique_lock lock(clients_mutex_);
    std::erase_if(ip_ports_, [](const auto& entry) {
        const ClientPtr& client = entry.second;
        std::lock_guard guard(client->mutex_);
        if (client.use_count() == 1 && client->ties_.empty()) {
            client->closed_ = true;
        }
        return client->closed_;
    });
}

}  // namespace pharos::naming
