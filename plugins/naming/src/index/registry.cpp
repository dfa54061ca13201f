#include "index/registry.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace pharos::naming {

Registry::Registry(spi::Executors& executors, std::size_t lanes)
    : time_(executors.clock()), lanes_(executors.work(), lanes), clock_(executors.clock()) {}

Registry::~Registry() {
    // Clients, ties and services refer to each other: what is left must be taken apart.
    std::vector<ClientPtr> clients;
    for (const auto& [number, client] : connections_) {
        clients.push_back(client);
    }
    clients.insert(clients.end(), ip_ports_.begin(), ip_ports_.end());
    clients.insert(clients.end(), persistent_.begin(), persistent_.end());
    for (const ClientPtr& client : clients) {
        for (const TiePtr& tie : close(*client)) {
            tie->service->sync(tie, Service::Cause::kEnded, time_.steady());
        }
    }
}

std::string Registry::ip_port_id(const std::string& ip, std::uint16_t port, bool ephemeral) {
    return ip + ":" + std::to_string(port) + (ephemeral ? "#true" : "#false");
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
    apply_closed(close(*client));
}

void Registry::apply_closed(const std::vector<TiePtr>& ties) {
    for (const TiePtr& tie : ties) {
        tie->service->lane().run([this, tie] { apply(tie, Service::Cause::kEnded, nullptr); });
    }
}

std::vector<TiePtr> Registry::close(Client& client) {
    std::lock_guard lock(client.mutex_);
    client.closed_ = true;
    for (const TiePtr& tie : client.ties_) {
        tie->publication.store(nullptr);
        tie->subscription.store(nullptr);
    }
    return std::exchange(client.ties_, {});
}

ClientPtr Registry::ip_port_client(const std::string& ip, std::uint16_t port) {
    std::string id = ip_port_id(ip, port);
    {
        std::shared_lock lock(clients_mutex_);
        if (const auto found = ip_ports_.find(id); found != ip_ports_.end()) {
            (*found)->touch(time_.steady());  // under the lock: a sweep sees it
            return *found;
        }
    }
    std::unique_lock lock(clients_mutex_);
    auto found = ip_ports_.find(id);
    if (found == ip_ports_.end()) {
        found = ip_ports_.insert(std::make_shared<Client>(++last_client_number_, std::move(id))).first;
    }
    (*found)->touch(time_.steady());
    return *found;
}

ClientPtr Registry::find_ip_port(const std::string& ip, std::uint16_t port) const {
    std::shared_lock lock(clients_mutex_);
    const auto found = ip_ports_.find(ip_port_id(ip, port));
    return found == ip_ports_.end() ? nullptr : *found;
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
        service = std::make_shared<Service>(key, lanes_.of(ServiceKeyHash{}(key)), clock_.next(), texts_);
    }
    return service;
}

SnapshotPtr Registry::snapshot(const ServiceKey& key) {
    const ServicePtr service = find(key);
    return service != nullptr ? service->snapshot()
                              : std::make_shared<const ServiceSnapshot>(std::vector<HostPtr>{}, clock_.next());
}

std::vector<TiePtr>::iterator Registry::place_of(Client& client, const Service* service) {
    return std::lower_bound(
        client.ties_.begin(), client.ties_.end(), service,
        [](const TiePtr& tie, const Service* wanted) { return std::less<>{}(tie->service.get(), wanted); });
}

TiePtr Registry::tie_of(const ClientPtr& client, const ServicePtr& service) {
    const auto place = place_of(*client, service.get());
    if (place != client->ties_.end() && (*place)->service == service) {
        return *place;
    }
    return *client->ties_.insert(place, std::make_shared<Tie>(client, service));
}

void Registry::forget_if_unused(const TiePtr& tie) {
    Client& client = *tie->client;
    const auto place = place_of(client, tie->service.get());
    if (place != client.ties_.end() && *place == tie && tie->publication.load() == nullptr &&
        tie->subscription.load() == nullptr) {
        client.ties_.erase(place);
    }
}

void Registry::refuse(const TiePtr& tie) {
    std::lock_guard lock(tie->client->mutex_);
    tie->publication.store(nullptr);
    forget_if_unused(tie);
}

void Registry::apply(const TiePtr& tie, Service::Cause cause, Done done) {
    const ServicePtr& service = tie->service;
    spi::Result<TiePtr> outcome(tie);
    if (!service->admits(tie)) {
        refuse(tie);
        if (cause == Service::Cause::kRegistration) {
            outcome = spi::Status(spi::Code::kConflict, persistent_conflict(service->key(), "register"));
        }
    }
    const Service::Changes changes = service->sync(tie, cause, time_.steady());
    if (changes.hosts) {
        service->renew_snapshot(clock_.next(), time_.steady());
    }
    if (done) {
        done(outcome);
    }
    for (ChangeListener* listener : listeners_) {
        if (changes.hosts) {
            listener->on_hosts_changed(service);
        }
        if (changes.subscribed) {
            listener->on_subscribed(tie);
        }
    }
}

void Registry::show(const ServicePtr& service, Telling telling) {
    service->renew_snapshot(clock_.next(), time_.steady());
    for (ChangeListener* listener : listeners_) {
        if (telling == Telling::kTell) {
            listener->on_hosts_changed(service);
        } else if (telling == Telling::kMetadata) {
            listener->on_metadata_changed(service);
        }
    }
}

ClientPtr Registry::persistent_client(const std::string& ip, std::uint16_t port, bool make) {
    std::string id = ip_port_id(ip, port, false);
    std::unique_lock lock(clients_mutex_);
    auto found = persistent_.find(id);
    if (found == persistent_.end()) {
        if (!make) {
            return nullptr;
        }
        found = persistent_.insert(std::make_shared<Client>(++last_client_number_, std::move(id))).first;
    }
    return *found;
}

TiePtr Registry::wish_stored(const ServicePtr& service, StoredInstance stored) {
    const ClientPtr client = persistent_client(stored.ip, stored.port, stored.publication != nullptr);
    if (client == nullptr) {
        return nullptr;
    }
    TiePtr tie;
    bool is_last = false;
    {
        std::lock_guard lock(client->mutex_);
        tie = tie_of(client, service);
        tie->publication.store(std::move(stored.publication));
        forget_if_unused(tie);
        is_last = client->ties_.empty();
    }
    client->updated_ms_.store(time_.wall_ms(), std::memory_order_relaxed);
    if (is_last) {
        // It lives as long as it publishes (protocol/naming.md §6.5).
        std::unique_lock lock(clients_mutex_);
        persistent_.erase(client);
    }
    return tie;
}

void Registry::show_stored(const ServiceKey& key, std::vector<StoredInstance> instances, Entry entry) {
    const ServicePtr service = find_or_make(key);
    std::vector<TiePtr> ties;
    ties.reserve(instances.size());
    for (StoredInstance& instance : instances) {
        if (TiePtr tie = wish_stored(service, std::move(instance))) {
            ties.push_back(std::move(tie));
        }
    }
    // One new snapshot for all of them: thousands may turn at once.
    spi::Task sync = [this, service, ties = std::move(ties)] {
        bool changed = false;
        for (const TiePtr& tie : ties) {
            changed |= service->sync(tie, Service::Cause::kAsked, time_.steady()).hosts;
        }
        if (changed) {
            show(service, Telling::kTell);
        }
    };
    if (entry == Entry::kRun) {
        service->lane().run(std::move(sync));
    } else {
        service->lane().post(std::move(sync));
    }
}

PublicationPtr Registry::find_stored(const ServiceKey& key, const std::string& ip, std::uint16_t port) const {
    const ServicePtr service = find(key);
    ClientPtr client;
    {
        std::shared_lock lock(clients_mutex_);
        const auto found = persistent_.find(ip_port_id(ip, port, false));
        client = found == persistent_.end() ? nullptr : *found;
    }
    const TiePtr tie = service == nullptr || client == nullptr ? nullptr : find_tie(client, key);
    return tie == nullptr ? nullptr : tie->publication.load();
}

void Registry::on_lane(const ServiceKey& key, Entry entry, spi::UniqueFunction<void(const ServicePtr&)> task) {
    ServicePtr service = find_or_make(key);
    sdk::Lane& lane = service->lane();
    spi::Task on_it = [service = std::move(service), task = std::move(task)]() mutable { task(service); };
    if (entry == Entry::kRun) {
        lane.run(std::move(on_it));
    } else {
        lane.post(std::move(on_it));
    }
}

template <class Wish>
void Registry::change(const ClientPtr& client, const ServicePtr& service, Service::Cause cause, Wish wish, Done done) {
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
        done(spi::Status(spi::Code::kClosed, "the client " + client->id() + " is gone"));
        return;
    }
    client->updated_ms_.store(time_.wall_ms(), std::memory_order_relaxed);
    service->lane().run(
        [this, cause, tie = std::move(tie), done = std::move(done)]() mutable { apply(tie, cause, std::move(done)); });
}

void Registry::publish(const ClientPtr& client, const ServiceKey& key, PublicationPtr publication, Done done) {
    change(
        client, find_or_make(key), Service::Cause::kRegistration,
        [&](Tie& tie) { tie.publication.store(std::move(publication)); }, std::move(done));
}

void Registry::withdraw(const ClientPtr& client, const ServiceKey& key, std::string ip, std::uint16_t port, Done done) {
    const ServicePtr service = find(key);
    if (service == nullptr) {
        done(TiePtr{});
        return;
    }
    TiePtr tie;
    PublicationPtr before;
    if (client != nullptr) {
        std::lock_guard lock(client->mutex_);
        const auto place = place_of(*client, service.get());
        if (place != client->ties_.end() && (*place)->service == service) {
            tie = *place;
            before = tie->publication.load();
            tie->publication.store(nullptr);
            forget_if_unused(tie);
        }
    }
    if (tie != nullptr) {
        client->updated_ms_.store(time_.wall_ms(), std::memory_order_relaxed);
    }
    service->lane().run([this, service, tie, before, ip = std::move(ip), port, done = std::move(done)]() mutable {
        bool forgotten = service->forget_held(ip, port);
        for (const HostPtr& host : before != nullptr ? before->hosts : std::vector<HostPtr>{}) {
            forgotten |= service->forget_held(host->instance().ip, host->instance().port);
        }
        const SnapshotPtr shown = service->snapshot();
        if (forgotten && before == nullptr) {
            show(service, Telling::kTell);
        }
        if (tie == nullptr) {
            done(tie);
            return;
        }
        apply(tie, Service::Cause::kAsked, std::move(done));
        if (forgotten && service->snapshot() == shown) {
            show(service, Telling::kTell);  // the wish had been taken over before
        }
    });
}

void Registry::subscribe(const ClientPtr& client, const ServiceKey& key, std::string clusters, Done done) {
    change(
        client, find_or_make(key), Service::Cause::kAsked,
        [&](Tie& tie) { tie.subscription.store(std::make_shared<const std::string>(std::move(clusters))); },
        std::move(done));
}

void Registry::unsubscribe(const ClientPtr& client, const ServiceKey& key, Done done) {
    const TiePtr tie = find_tie(client, key);
    if (tie == nullptr) {
        done(TiePtr{});
        return;
    }
    change(
        client, tie->service, Service::Cause::kAsked, [](Tie& wish) { wish.subscription.store(nullptr); },
        std::move(done));
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
    tie->service->lane().run([this, tie] { apply(tie, Service::Cause::kEnded, nullptr); });
}

TiePtr Registry::find_tie(const ClientPtr& client, const ServiceKey& key) const {
    const ServicePtr service = find(key);
    if (service == nullptr) {
        return nullptr;
    }
    std::lock_guard lock(client->mutex_);
    const auto place = place_of(*client, service.get());
    return place != client->ties_.end() && (*place)->service == service ? *place : nullptr;
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
        if (key.namespace_id == namespace_id && key.group == group && service->exists()) {
            names.push_back(key.name);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<ServicePtr> Registry::services(std::string_view namespace_id) const {
    std::vector<ServicePtr> found = all_services();
    std::erase_if(found, [&](const ServicePtr& service) {
        return !service->exists() || (!namespace_id.empty() && service->key().namespace_id != namespace_id);
    });
    std::sort(found.begin(), found.end(), [](const ServicePtr& a, const ServicePtr& b) { return a->key() < b->key(); });
    return found;
}

void Registry::members(const std::vector<ServicePtr>& services,
                       spi::UniqueFunction<void(std::vector<ServiceMembers>)> done) {
    struct Collected {
        std::vector<ServiceMembers> members;
        spi::UniqueFunction<void(std::vector<ServiceMembers>)> done;
        std::atomic<std::size_t> left;
    };
    auto collected = std::make_shared<Collected>();
    collected->members.resize(services.size());
    collected->done = std::move(done);
    collected->left = services.size() + 1;
    const auto arrive = [collected] {
        if (collected->left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            collected->done(std::move(collected->members));
        }
    };
    for (std::size_t i = 0; i < services.size(); ++i) {
        services[i]->lane().run([service = services[i], i, collected, arrive] {
            collected->members[i] = {service, service->publishers(), service->subscribers()};
            arrive();
        });
    }
    arrive();
}

ClientPtr Registry::find_client(std::string_view id) const {
    std::shared_lock lock(clients_mutex_);
    for (const auto* clients : {&ip_ports_, &persistent_}) {
        if (const auto found = clients->find(id); found != clients->end()) {
            return *found;
        }
    }
    for (const auto& [number, client] : connections_) {
        if (client->id() == id) {
            return client;
        }
    }
    return nullptr;
}

std::vector<ClientPtr> Registry::clients() const {
    std::vector<ClientPtr> found;
    std::shared_lock lock(clients_mutex_);
    found.reserve(connections_.size() + ip_ports_.size() + persistent_.size());
    for (const auto& [number, client] : connections_) {
        found.push_back(client);
    }
    found.insert(found.end(), ip_ports_.begin(), ip_ports_.end());
    found.insert(found.end(), persistent_.begin(), persistent_.end());
    std::sort(found.begin(), found.end(),
              [](const ClientPtr& a, const ClientPtr& b) { return a->number() < b->number(); });
    return found;
}

std::vector<TiePtr> Registry::ties(const ClientPtr& client) {
    std::vector<TiePtr> found;
    {
        std::lock_guard lock(client->mutex_);
        found = client->ties_;
    }
    std::sort(found.begin(), found.end(),
              [](const TiePtr& a, const TiePtr& b) { return a->service->key() < b->service->key(); });
    return found;
}

Registry::Counts Registry::count() const {
    Counts counts;
    for (const ServicePtr& service : all_services()) {
        counts.services += service->exists() ? 1u : 0u;
        counts.instances += service->snapshot()->hosts().size();
        counts.subscribers += service->subscriber_count();
        counts.held_services += service->is_held() ? 1u : 0u;
    }
    std::shared_lock lock(clients_mutex_);
    counts.connection_clients = connections_.size();
    counts.ip_port_clients = ip_ports_.size();
    counts.persistent_clients = persistent_.size();
    return counts;
}

void Registry::drop_unused() {
    constexpr unsigned kIdleSweeps = 2;
    for (ServiceShard& shard : service_shards_) {
        std::unique_lock lock(shard.mutex);
        for (auto entry = shard.services.begin(); entry != shard.services.end();) {
            // References to a service come from this table, under its lock, or from another reference: if the table's
            // is the only one, nobody can be about to change it.
            const ServicePtr& service = entry->second;
            const SnapshotPtr snapshot = service->snapshot();
            snapshot->drop_unused_text();
            const bool unused = service.use_count() == 1 && !service->exists() && snapshot->metadata() == nullptr &&
                                snapshot->overrides() == nullptr;
            service->idle_sweeps = unused ? service->idle_sweeps + 1 : 0;
            entry = service->idle_sweeps > kIdleSweeps ? shard.services.erase(entry) : std::next(entry);
        }
    }
}

void Registry::sweep(spi::Duration cache) {
    const spi::Duration now = time_.steady();
    std::vector<TiePtr> ended;
    {
        std::unique_lock lock(clients_mutex_);
        std::erase_if(ip_ports_, [&](const ClientPtr& client) {
            if (!is_idle(*client, now - client->last_seen(), cache)) {
                return false;
            }
            const std::vector<TiePtr> ties = close(*client);
            ended.insert(ended.end(), ties.begin(), ties.end());
            return true;
        });
    }
    apply_closed(ended);
}

bool Registry::is_idle(Client& client, spi::Duration idle, spi::Duration cache) {
    constexpr spi::Duration kWithoutInstances = std::chrono::seconds(30);
    constexpr spi::Duration kWithInstances = std::chrono::seconds(180);
    if (idle <= kWithoutInstances) {
        return false;
    }
    std::lock_guard lock(client.mutex_);
    const auto has = [&](auto member) {
        return std::any_of(client.ties_.begin(), client.ties_.end(),
                           [member](const TiePtr& tie) { return ((*tie).*member).load() != nullptr; });
    };
    return idle > kWithInstances || (!has(&Tie::publication) && (idle > cache || !has(&Tie::subscription)));
}

std::string ephemeral_conflict(const ServiceKey& key) {
    return "Current service " + key.grouped_name() + " is ephemeral service, can't register persistent instance.";
}

std::string persistent_conflict(const ServiceKey& key, std::string_view what) {
    return "Current service " + key.grouped_name() + " is persistent service, can't " + std::string(what) +
           " ephemeral instance.";
}

}  // namespace pharos::naming
