#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/store.hpp>

#include "index/registry.hpp"

namespace pharos::naming {

/// What operators have said about services and instances: service metadata and instance overrides, durable through the
/// Store. Any thread.
///
///     change ─► commit with compares ─► watcher, on this and every other node ─► lane of the service: new snapshot
///                     └────────────────── completion ─► the same lane, afterwards ─► done
///
/// So whoever has the answer finds the change in every later read here, and reads are those of the registry. The
/// `mutate` functions may be called several times: a change that meets another one looks again.
class Catalogue {
public:
    struct Options {
        spi::Duration empty_service_expiry = std::chrono::seconds(60);
        spi::Duration override_expiry = std::chrono::seconds(60);
    };
    Catalogue(Registry& registry, spi::Executors& executors, spi::Log& log, Options options);

    /// Loads what is stored and follows it. Without a store every change fails. Error: it can't be read.
    spi::Status start(spi::Store* store);
    /// No change begins; waits for those that have begun.
    void stop(spi::Duration patience) noexcept;

    using Done = spi::Completion<bool>;

    /// Makes a service. Errors: kConflict "specified service G@@S already exists!", those of the Store.
    void create(ServiceKey key, ServiceMetadata metadata, Done done);
    /// Changes a service's metadata; `ephemeral` and the times are not its to change. A service that is there but has
    /// none gets it. Errors: kNotFound "service G@@S not found!", those of the Store.
    void update(ServiceKey key, std::function<void(ServiceMetadata&)> mutate, Done done);
    /// Sets what is known of a cluster. Errors: kNotFound "service not found groupName: G,serviceName: S", those of the
    /// Store.
    void update_cluster(ServiceKey key, std::string cluster, ClusterMetadata metadata, Done done);
    /// Removes a service and its metadata. Errors: kNotFound "service G@@S not found!", kConflict "Service G@@S is not
    /// empty, can't be delete. Please unregister instance first", those of the Store.
    void remove(ServiceKey key, Done done);
    /// Null when the service has none, which does not say that it does not exist (Service::exists).
    [[nodiscard]] ServiceMetadataPtr find(const ServiceKey& key) const;

    /// Changes the override of an instance, or a fresh one; whether such an instance is published does not matter.
    /// `ephemeral` is what the request calls the instance, for the message. Errors: kNotFound "service not found,
    /// namespace: …", those of the Store.
    void override_instance(ServiceKey key, std::string ip, std::uint16_t port, std::string cluster, bool ephemeral,
                           std::function<void(InstanceOverride&)> mutate, Done done);
    [[nodiscard]] std::optional<InstanceOverride> find_override(const ServiceKey& key, std::string_view ip,
                                                                std::uint16_t port, std::string_view cluster) const;

    /// Removes services that nobody publishes for as long as the options say, and overrides of instances that are gone
    /// for as long (`protocol/naming.md §6.6`). One call at a time.
    void sweep();

private:
    struct Attempt;
    using GoneSince = std::map<std::string, spi::Duration, std::less<>>;

    void change_metadata(ServiceKey key, std::string not_found, std::function<void(ServiceMetadata&)> mutate,
                         Done done);
    void begin(const std::shared_ptr<Attempt>& made);
    void attempt(const std::shared_ptr<Attempt>& made);
    /// Answers, on the service's lane.
    void finish(const std::shared_ptr<Attempt>& made, spi::Result<bool> outcome);
    void on_store_changes(std::span<const spi::StoreChange> changes);
    /// Applies one stored key on the service's lane; `now` = in the call when the lane is free. False: it can't be
    /// read.
    bool apply(std::string_view store_key, std::optional<std::string_view> value, bool now);
    /// On the lane: clients see the service no more, unless somebody publishes it.
    static void forget(const ServicePtr& service);
    void expire(const ServicePtr& service);
    void expire(const ServicePtr& service, const std::string& override_key, const std::string& tag);
    void sweep_overrides(const ServicePtr& service, const ServiceSnapshot& snapshot, spi::Duration now,
                         GoneSince& gone);

    Registry& registry_;
    spi::Executors& executors_;
    spi::Log& log_;
    const Options options_;
    spi::Store* store_ = nullptr;
    spi::Registration watch_;

    std::mutex loading_mutex_;  ///< guards the two below
    bool loading_ = false;
    struct Told {
        std::string key;
        std::optional<std::string> value;
        spi::Revision revision = 0;
    };
    std::vector<Told> told_while_loading_;

    /// Store key of an override whose instance is not there → since when; sweep() only.
    GoneSince gone_since_;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
