#include "persistent/instance_table.hpp"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

#include "state/store_keys.hpp"

namespace pharos::naming {

namespace {

/// What is loaded at a time.
constexpr std::size_t kAtOnce = 1000;

PublicationPtr publication_of(const StoredAddress& address, Instance instance) {
    instance.ip = address.ip;
    instance.port = address.port;
    auto made = std::make_shared<Publication>();
    made->hosts.push_back(std::make_shared<const Host>(std::move(instance), address.service));
    return made;
}

}  // namespace

spi::Status InstanceTable::start(spi::Store& store) {
    {
        std::lock_guard lock(loading_mutex_);
        loading_ = true;
    }
    // Watch first, then read: what is told meanwhile is shown afterwards, if it is newer than what was read.
    watch_ = store.watch(std::string(kPersistentPrefix), 0,
                         [this](std::span<const spi::StoreChange> changes) { on_store_changes(changes); });
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store.snapshot();
    if (snapshot == nullptr) {
        return {spi::Code::kUnavailable, "the store can't be read"};
    }
    std::lock_guard lock(loading_mutex_);
    load(*snapshot);
    Changes changes;
    for (const Told& told : told_while_loading_) {
        if (told.revision > snapshot->revision()) {
            take(changes, told.key, told.value);
            show(changes, Registry::Entry::kRun);
        }
    }
    told_while_loading_.clear();
    loading_ = false;
    return {};
}

void InstanceTable::load(const spi::StoreSnapshot& snapshot) {
    std::unordered_map<std::string, bool> health;  // by what both keys have in common
    snapshot.scan(kStoredHealth, kStoredHealth, [&](std::string_view key, const spi::StoreValue& value) {
        if (const std::optional<bool> healthy = decode_health(value.value)) {
            health.emplace(key.substr(kStoredHealth.size()), *healthy);
        } else {
            report_damage(key);
        }
        return true;
    });
    Changes changes;
    std::size_t waiting = 0;
    snapshot.scan(kStoredInstances, kStoredInstances, [&](std::string_view key, const spi::StoreValue& value) {
        const std::string rest(key.substr(kStoredInstances.size()));
        std::optional<StoredAddress> address = parse_stored_address(rest);
        std::optional<Instance> instance = decode_instance(value.value);
        if (!address || !instance) {
            report_damage(key);
            return true;
        }
        if (const auto found = health.find(rest); found != health.end()) {
            instance->healthy = found->second;
        }
        PublicationPtr publication = publication_of(*address, std::move(*instance));
        changes[std::move(address->service)].push_back({std::move(address->ip), address->port, std::move(publication)});
        if (++waiting == kAtOnce) {
            show(changes, Registry::Entry::kRun);
            waiting = 0;
        }
        return true;
    });
    show(changes, Registry::Entry::kRun);
}

void InstanceTable::on_store_changes(std::span<const spi::StoreChange> told) {
    std::lock_guard lock(loading_mutex_);
    if (loading_) {
        for (const spi::StoreChange& change : told) {
            told_while_loading_.push_back({std::string(change.key),
                                           change.value ? std::optional(std::string(*change.value)) : std::nullopt,
                                           change.revision});
        }
        return;
    }
    Changes changes;
    for (const spi::StoreChange& change : told) {
        take(changes, change.key, change.value);
    }
    show(changes, Registry::Entry::kPost);
}

void InstanceTable::take(Changes& changes, std::string_view key, std::optional<std::string_view> value) const {
    const bool is_instance = key.starts_with(kStoredInstances);
    if (!is_instance && !key.starts_with(kStoredHealth)) {
        return;
    }
    std::optional<StoredAddress> address =
        parse_stored_address(key.substr(is_instance ? kStoredInstances.size() : kStoredHealth.size()));
    if (!address) {
        report_damage(key);
        return;
    }
    if (!is_instance) {
        // Taken away, it goes with its instance or makes room for what a registration says.
        const std::optional<bool> healthy = value ? decode_health(*value) : std::nullopt;
        if (healthy) {
            take_health(changes, *address, *healthy);
        } else if (value) {
            report_damage(key);
        }
        return;
    }
    std::optional<Instance> instance = value ? decode_instance(*value) : std::nullopt;
    if (value && !instance) {
        report_damage(key);
        return;
    }
    PublicationPtr publication = instance ? publication_of(*address, std::move(*instance)) : nullptr;
    changes[std::move(address->service)].push_back({std::move(address->ip), address->port, std::move(publication)});
}

void InstanceTable::take_health(Changes& changes, const StoredAddress& address, bool healthy) const {
    PublicationPtr current = registry_.find_stored(address.service, address.ip, address.port);
    std::vector<Registry::StoredInstance>& of_service = changes[address.service];
    // The same revision may have more to say of it.
    const auto newer = std::find_if(of_service.rbegin(), of_service.rend(), [&](const Registry::StoredInstance& other) {
        return other.port == address.port && other.ip == address.ip;
    });
    if (newer != of_service.rend()) {
        current = newer->publication;
    }
    if (current == nullptr || current->hosts.front()->instance().healthy == healthy) {
        return;
    }
    Instance changed = current->hosts.front()->instance();
    changed.healthy = healthy;
    of_service.push_back({address.ip, address.port, publication_of(address, std::move(changed))});
}

void InstanceTable::show(Changes& changes, Registry::Entry entry) {
    for (auto& [service, instances] : changes) {
        if (!instances.empty()) {
            registry_.show_stored(service, std::move(instances), entry);
        }
    }
    changes.clear();
}

void InstanceTable::report_damage(std::string_view key) const {
    log_.error("a stored persistent instance can't be read and is left out: damaged, or of a newer version",
               spi::kv("key", readable_store_key(key)));
}

}  // namespace pharos::naming
