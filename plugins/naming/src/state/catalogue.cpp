#include "state/catalogue.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "state/store_keys.hpp"

namespace pharos::naming {

namespace {

constexpr std::string_view kPrefix = "naming/";
constexpr std::string_view kServices = "naming/service/";
constexpr std::string_view kOverrides = "naming/override/";
/// How often a change meets another one of the same key before it gives up.
constexpr int kMaxAttempts = 100;

std::string override_key(const ServiceKey& key, std::string_view tag) { return store_key(kOverrides, key, tag); }

std::string describe(const ServiceKey& key, bool ephemeral) {
    return "service not found, namespace: " + key.namespace_id + ", service: Service{namespace='" + key.namespace_id +
           "', group='" + key.group + "', name='" + key.name + "', ephemeral=" + (ephemeral ? "true" : "false") +
           ", revision=0}";
}

}  // namespace

/// One change on its way into the store. `plan` looks at what is stored and says what to write; it may be asked again.
struct Catalogue::Attempt {
    /// The value to write, nothing to remove it; an error ends the change.
    using Plan = std::function<spi::Result<std::optional<std::string>>(std::optional<std::string_view> stored)>;

    ServiceKey key;
    ServicePtr service;
    std::string store_key;
    Plan plan;
    std::function<void(bool done)> settle;  ///< on the lane, before `done`; may be empty
    Done done;
    sdk::Gate::Pass pass;
    int count = 0;
};

Catalogue::Catalogue(Registry& registry, spi::Executors& executors, spi::Log& log, Options options)
    : registry_(registry), executors_(executors), log_(log), options_(options) {}

spi::Status Catalogue::start(spi::Store* store) {
    if (store == nullptr) {
        return {};
    }
    {
        std::lock_guard lock(loading_mutex_);
        loading_ = true;
    }
    // Watch first, then read: what is told meanwhile is applied afterwards, if it is newer than what was read.
    watch_ = store->watch(std::string(kPrefix), 0,
                          [this](std::span<const spi::StoreChange> changes) { on_store_changes(changes); });
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store->snapshot();
    if (snapshot == nullptr) {
        return {spi::Code::kUnavailable, "the store can't be read"};
    }
    std::string unreadable;
    for (const std::string_view prefix : {kServices, kOverrides}) {
        snapshot->scan(prefix, prefix, [&](std::string_view key, const spi::StoreValue& value) {
            if (!apply(key, value.value, true)) {
                unreadable = key;
            }
            return unreadable.empty();
        });
    }
    if (!unreadable.empty()) {
        return {spi::Code::kInternal,
                "the stored '" + readable_store_key(unreadable) + "' can't be read: damaged, or of a newer version"};
    }
    std::lock_guard lock(loading_mutex_);
    loading_ = false;
    for (const Told& told : told_while_loading_) {
        if (told.revision > snapshot->revision()) {
            apply(told.key, told.value, true);
        }
    }
    told_while_loading_.clear();
    store_ = store;
    return {};
}

void Catalogue::stop(spi::Duration patience) noexcept {
    gate_.close(patience);
    watch_.reset();
}

void Catalogue::on_store_changes(std::span<const spi::StoreChange> changes) {
    std::lock_guard lock(loading_mutex_);
    for (const spi::StoreChange& change : changes) {
        if (loading_) {
            told_while_loading_.push_back({std::string(change.key),
                                           change.value ? std::optional(std::string(*change.value)) : std::nullopt,
                                           change.revision});
        } else if (!apply(change.key, change.value, false)) {
            log_.error("a stored change of naming can't be read", spi::kv("key", readable_store_key(change.key)));
        }
    }
}

bool Catalogue::apply(std::string_view key, std::optional<std::string_view> value, bool now) {
    const Registry::Entry entry = now ? Registry::Entry::kRun : Registry::Entry::kPost;
    if (key.starts_with(kServices)) {
        const std::optional<StoreKeyParts> parts = split_store_key(key.substr(kServices.size()), false);
        std::optional<ServiceMetadata> metadata = value ? decode_service_metadata(*value) : std::nullopt;
        if (!parts || (value && !metadata)) {
            return false;
        }
        ServiceMetadataPtr made = metadata ? std::make_shared<const ServiceMetadata>(std::move(*metadata)) : nullptr;
        registry_.on_lane(parts->service, entry, [this, made](const ServicePtr& service) {
            service->set_metadata(made, executors_.clock().steady());
            registry_.show(service, Registry::Telling::kMetadata);
            if (made == nullptr) {
                forget(service);
            }
        });
    } else if (key.starts_with(kOverrides)) {
        const std::optional<StoreKeyParts> parts = split_store_key(key.substr(kOverrides.size()), true);
        std::optional<InstanceOverride> made = value ? decode_instance_override(*value) : std::nullopt;
        if (!parts || (value && !made)) {
            return false;
        }
        // Taking an override away tells nobody: its instance is gone (protocol/naming.md §3.4).
        const auto telling = made ? Registry::Telling::kTell : Registry::Telling::kQuietly;
        registry_.on_lane(parts->service, entry, [this, made, telling, tag = parts->tag](const ServicePtr& service) {
            service->set_override(tag, made ? &*made : nullptr);
            registry_.show(service, telling);
        });
    }
    return true;
}

void Catalogue::begin(const std::shared_ptr<Attempt>& made) {
    made->pass = gate_.enter();
    if (!made->pass || store_ == nullptr) {
        const char* why = store_ == nullptr ? "there is no store to keep it in" : "the server is stopping";
        finish(made, spi::Status(spi::Code::kUnavailable, why));
    } else if (made->store_key.size() > kLongestStoreKey) {
        finish(made, spi::Status(spi::Code::kInvalidArgument, "the names of service " + made->key.grouped_name() +
                                                                  " take " + std::to_string(made->store_key.size()) +
                                                                  " bytes in the store, the limit is " +
                                                                  std::to_string(kLongestStoreKey)));
    } else {
        attempt(made);
    }
}

void Catalogue::attempt(const std::shared_ptr<Attempt>& made) {
    using Kind = spi::StoreCompare::Kind;
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_->snapshot();
    if (snapshot == nullptr) {
        finish(made, spi::Status(spi::Code::kUnavailable, "the store can't be read"));
        return;
    }
    const std::optional<spi::StoreValue> stored = snapshot->get(made->store_key);
    spi::Result<std::optional<std::string>> planned = made->plan(stored ? std::optional(stored->value) : std::nullopt);
    if (!planned) {
        finish(made, planned.error());
        return;
    }
    if (!stored && !*planned) {
        finish(made, true);  // nothing is there, and nothing is to be there
        return;
    }
    spi::StoreCommit commit;
    commit.compares.push_back(stored ? spi::StoreCompare{made->store_key, Kind::kRevisionIs, stored->revision}
                                     : spi::StoreCompare{made->store_key, Kind::kAbsent, 0});
    commit.ops.push_back({made->store_key, std::move(*planned)});
    store_->commit(std::move(commit), [this, made](spi::Result<spi::Revision> outcome) {
        if (outcome) {
            finish(made, true);
        } else if (outcome.error().code() == spi::Code::kConflict && ++made->count < kMaxAttempts) {
            executors_.work().post([this, made] { attempt(made); });  // somebody was faster: look again
        } else {
            finish(made, outcome.error());
        }
    });
}

void Catalogue::finish(const std::shared_ptr<Attempt>& made, spi::Result<bool> outcome) {
    // Behind what the watcher has put on the lane.
    made->service->lane().post([made, outcome = std::move(outcome)] {
        if (made->settle) {
            made->settle(outcome.is_ok());
        }
        made->pass = {};
        made->done(outcome);
    });
}

void Catalogue::create(ServiceKey key, ServiceMetadata metadata, Done done) {
    auto made = std::make_shared<Attempt>();
    made->key = std::move(key);
    made->store_key = metadata_key(made->key);
    made->done = std::move(done);
    metadata.created_ms = metadata.updated_ms = executors_.clock().wall_ms();
    const bool ephemeral = metadata.ephemeral;
    const auto exists = [key = made->key] {
        return spi::Status(spi::Code::kConflict, "specified service " + key.grouped_name() + " already exists!");
    };
    made->plan = [exists, value = encode(metadata)](
                     std::optional<std::string_view> stored) -> spi::Result<std::optional<std::string>> {
        if (stored) {
            return exists();
        }
        return std::optional(value);
    };
    registry_.on_lane(made->key, Registry::Entry::kRun, [this, made, exists, ephemeral](const ServicePtr& service) {
        made->service = service;
        if (service->exists() || service->is_reserved()) {
            finish(made, exists());
            return;
        }
        // Who registers while this is on its way to the disk goes by the flag that is about to be set.
        service->reserve(ephemeral);
        made->settle = [service](bool) { service->unreserve(); };
        begin(made);
    });
}

void Catalogue::update(ServiceKey key, std::function<void(ServiceMetadata&)> mutate, Done done) {
    const std::string message = "service " + key.grouped_name() + " not found!";
    change_metadata(std::move(key), message, std::move(mutate), std::move(done));
}

void Catalogue::update_cluster(ServiceKey key, std::string cluster, ClusterMetadata metadata, Done done) {
    const std::string message = "service not found groupName: " + key.group + ",serviceName: " + key.name;
    change_metadata(
        std::move(key), message,
        [cluster = std::move(cluster), metadata = std::move(metadata)](ServiceMetadata& service) {
            service.clusters.insert_or_assign(cluster, metadata);
        },
        std::move(done));
}

void Catalogue::change_metadata(ServiceKey key, std::string not_found, std::function<void(ServiceMetadata&)> mutate,
                                Done done) {
    auto made = std::make_shared<Attempt>();
    made->service = registry_.find(key);
    if (made->service == nullptr) {
        done(spi::Status(spi::Code::kNotFound, std::move(not_found)));
        return;
    }
    made->store_key = metadata_key(key);
    made->key = std::move(key);
    made->done = std::move(done);
    made->plan = [this, service = made->service, not_found = std::move(not_found), mutate = std::move(mutate)](
                     std::optional<std::string_view> stored) -> spi::Result<std::optional<std::string>> {
        const std::int64_t now = executors_.clock().wall_ms();
        std::optional<ServiceMetadata> metadata = stored ? decode_service_metadata(*stored) : std::nullopt;
        if (!metadata) {
            if (!service->exists()) {
                return spi::Status(spi::Code::kNotFound, not_found);
            }
            metadata.emplace();
            metadata->created_ms = now;
        }
        const ServiceMetadata before = *metadata;
        mutate(*metadata);
        metadata->ephemeral = stored ? before.ephemeral : service->is_ephemeral();
        metadata->created_ms = before.created_ms;
        metadata->updated_ms = now;
        return std::optional(encode(*metadata));
    };
    begin(made);
}

void Catalogue::remove(ServiceKey key, Done done) {
    const std::string name = key.grouped_name();
    auto made = std::make_shared<Attempt>();
    made->service = registry_.find(key);
    if (made->service == nullptr) {
        done(spi::Status(spi::Code::kNotFound, "service " + name + " not found!"));
        return;
    }
    made->store_key = metadata_key(key);
    made->key = std::move(key);
    made->done = std::move(done);
    made->plan = [service = made->service,
                  name](std::optional<std::string_view>) -> spi::Result<std::optional<std::string>> {
        if (!service->exists()) {
            return spi::Status(spi::Code::kNotFound, "service " + name + " not found!");
        }
        if (!service->snapshot()->hosts().empty()) {
            return spi::Status(spi::Code::kConflict,
                               "Service " + name + " is not empty, can't be delete. Please unregister instance first");
        }
        return std::optional<std::string>();
    };
    made->settle = [this, service = made->service](bool is_done) {
        if (is_done) {
            forget(service);
        }
    };
    // Behind the registrations that have been accepted so far.
    made->service->lane().run([this, made] { begin(made); });
}

void Catalogue::forget(const ServicePtr& service) {
    // With metadata it has been made again meanwhile.
    if (!service->has_publishers() && !service->is_held() && service->snapshot()->metadata() == nullptr) {
        service->remove();
    }
}

ServiceMetadataPtr Catalogue::find(const ServiceKey& key) const {
    const ServicePtr service = registry_.find(key);
    return service == nullptr ? nullptr : service->snapshot()->metadata();
}

void Catalogue::override_instance(ServiceKey key, std::string ip, std::uint16_t port, std::string cluster,
                                  bool ephemeral, std::function<void(InstanceOverride&)> mutate, Done done) {
    auto made = std::make_shared<Attempt>();
    made->service = registry_.find(key);
    if (made->service == nullptr || !made->service->exists()) {
        done(spi::Status(spi::Code::kNotFound, describe(key, ephemeral)));
        return;
    }
    made->store_key = override_key(key, override_tag(ip, port, cluster));
    made->key = std::move(key);
    made->done = std::move(done);
    made->plan = [mutate = std::move(mutate)](
                     std::optional<std::string_view> stored) -> spi::Result<std::optional<std::string>> {
        std::optional<InstanceOverride> override = stored ? decode_instance_override(*stored) : std::nullopt;
        if (!override) {
            override.emplace();
        }
        mutate(*override);
        return std::optional(encode(*override));
    };
    begin(made);
}

std::optional<InstanceOverride> Catalogue::find_override(const ServiceKey& key, std::string_view ip, std::uint16_t port,
                                                         std::string_view cluster) const {
    const ServicePtr service = registry_.find(key);
    const SnapshotPtr snapshot = service == nullptr ? nullptr : service->snapshot();
    const InstanceOverride* found = snapshot == nullptr ? nullptr : snapshot->find_override(ip, port, cluster);
    return found == nullptr ? std::nullopt : std::optional(*found);
}

void Catalogue::sweep() {
    const spi::Duration now = executors_.clock().steady();
    std::map<std::string, spi::Duration, std::less<>> gone;
    for (const ServicePtr& service : registry_.all_services()) {
        if (service->exists() && !service->has_publishers() && !service->is_held() &&
            now - service->empty_since() >= options_.empty_service_expiry) {
            expire(service);
        }
        const SnapshotPtr snapshot = service->snapshot();
        if (snapshot->overrides() != nullptr) {
            sweep_overrides(service, *snapshot, now, gone);
        }
    }
    gone_since_.swap(gone);
}

void Catalogue::expire(const ServicePtr& service) {
    auto made = std::make_shared<Attempt>();
    made->service = service;
    made->key = service->key();
    made->store_key = metadata_key(made->key);
    made->done = [this, service](const spi::Result<bool>& outcome) {
        if (!outcome && outcome.error().code() != spi::Code::kConflict) {
            log_.warn("an expired service can't be removed, it will be tried again",
                      spi::kv("service", service->grouped_name()), spi::kv("error", outcome.error().message()));
        }
    };
    const auto is_due = [this, service] {
        return service->exists() && !service->has_publishers() && !service->is_held() &&
               executors_.clock().steady() - service->empty_since() >= options_.empty_service_expiry;
    };
    made->plan = [is_due](std::optional<std::string_view>) -> spi::Result<std::optional<std::string>> {
        if (!is_due()) {
            return spi::Status(spi::Code::kConflict, "it is in use again");
        }
        return std::optional<std::string>();
    };
    made->settle = [this, service](bool is_done) {
        if (is_done) {
            forget(service);
        }
    };
    if (store_ != nullptr && service->snapshot()->metadata() != nullptr) {
        begin(made);
    } else {
        service->lane().post([this, service, is_due] {
            if (is_due()) {
                forget(service);
            }
        });
    }
}

void Catalogue::sweep_overrides(const ServicePtr& service, const ServiceSnapshot& snapshot, spi::Duration now,
                                GoneSince& gone) {
    std::set<std::string, std::less<>> present;
    for (const HostPtr& host : snapshot.hosts()) {
        present.insert(override_tag(host->instance()));
    }
    for (const auto& [tag, override] : *snapshot.overrides()) {
        if (present.contains(tag)) {
            continue;
        }
        std::string key = override_key(service->key(), tag);
        const auto known = gone_since_.find(key);
        const spi::Duration since = known == gone_since_.end() ? now : known->second;
        if (now - since >= options_.override_expiry) {
            expire(service, key, tag);
        }
        gone.emplace(std::move(key), since);
    }
}

void Catalogue::expire(const ServicePtr& service, const std::string& key, const std::string& tag) {
    auto made = std::make_shared<Attempt>();
    made->service = service;
    made->key = service->key();
    made->store_key = key;
    made->done = [](const spi::Result<bool>&) {};  // what failed is tried again by the next sweep
    made->plan = [service, tag](std::optional<std::string_view>) -> spi::Result<std::optional<std::string>> {
        const SnapshotPtr snapshot = service->snapshot();
        for (const HostPtr& host : snapshot->hosts()) {
            if (override_tag(host->instance()) == tag) {
                return spi::Status(spi::Code::kConflict, "its instance is back");
            }
        }
        return std::optional<std::string>();
    };
    begin(made);
}

}  // namespace pharos::naming
