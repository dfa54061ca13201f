#include "persistent/instance_writer.hpp"

#include <optional>
#include <utility>

#include "model/service_metadata.hpp"
#include "state/store_keys.hpp"

namespace pharos::naming {

namespace {

/// How often a change meets another one of the same key before it gives up.
constexpr int kMaxAttempts = 100;

spi::StoreCompare unchanged(const std::string& key, const std::optional<spi::StoreValue>& stored) {
    using Kind = spi::StoreCompare::Kind;
    return stored ? spi::StoreCompare{key, Kind::kRevisionIs, stored->revision}
                  : spi::StoreCompare{key, Kind::kAbsent, 0};
}

}  // namespace

/// One change on its way into the store. `plan` looks at what is stored and says what to commit, nothing when it is so
/// already; it may be asked again.
struct InstanceWriter::Attempt {
    using Plan = std::function<spi::Result<std::optional<spi::StoreCommit>>(const spi::StoreSnapshot&)>;

    StoredAddress address;
    std::string instance_key;
    std::string health_key;
    Plan plan;
    Done done;
    bool registers = false;
    ServicePtr reserved;  ///< kept persistent meanwhile
    sdk::Gate::Pass pass;
    int count = 0;
};

void InstanceWriter::register_instance(ServiceKey service, Instance instance, Done done) {
    auto made = std::make_shared<Attempt>();
    made->address = {std::move(service), std::move(instance.ip), instance.port};
    made->done = std::move(done);
    made->registers = true;
    made->plan = [made = made.get(), value = encode_instance(instance)](
                     const spi::StoreSnapshot& snapshot) -> spi::Result<std::optional<spi::StoreCommit>> {
        const std::string of_service = metadata_key(made->address.service);
        const std::optional<spi::StoreValue> metadata = snapshot.get(of_service);
        if (const auto known = metadata ? decode_service_metadata(metadata->value) : std::nullopt;
            known && known->ephemeral) {
            return spi::Status(spi::Code::kConflict, ephemeral_conflict(made->address.service));
        }
        spi::StoreCommit commit;
        commit.compares.push_back(unchanged(made->instance_key, snapshot.get(made->instance_key)));
        commit.compares.push_back(unchanged(of_service, metadata));
        commit.ops.push_back({made->instance_key, value});
        commit.ops.push_back({made->health_key, std::nullopt});
        return std::optional(std::move(commit));
    };
    begin(made);
}

void InstanceWriter::deregister_instance(ServiceKey service, std::string ip, std::uint16_t port, Done done) {
    auto made = std::make_shared<Attempt>();
    made->address = {std::move(service), std::move(ip), port};
    made->done = std::move(done);
    made->plan = [made =
                      made.get()](const spi::StoreSnapshot& snapshot) -> spi::Result<std::optional<spi::StoreCommit>> {
        const std::optional<spi::StoreValue> stored = snapshot.get(made->instance_key);
        if (!stored) {
            return std::optional<spi::StoreCommit>();
        }
        spi::StoreCommit commit;
        commit.compares.push_back(unchanged(made->instance_key, stored));
        commit.ops.push_back({made->instance_key, std::nullopt});
        commit.ops.push_back({made->health_key, std::nullopt});
        return std::optional(std::move(commit));
    };
    begin(made);
}

void InstanceWriter::set_health(ServiceKey service, std::string ip, std::uint16_t port, std::string cluster,
                                bool healthy, Done done) {
    auto made = std::make_shared<Attempt>();
    made->address = {std::move(service), std::move(ip), port};
    made->done = std::move(done);
    made->plan = [made = made.get(), cluster = std::move(cluster),
                  healthy](const spi::StoreSnapshot& snapshot) -> spi::Result<std::optional<spi::StoreCommit>> {
        const std::optional<spi::StoreValue> stored = snapshot.get(made->instance_key);
        const std::optional<Instance> instance = stored ? decode_instance(stored->value) : std::nullopt;
        const std::optional<spi::StoreValue> known = snapshot.get(made->health_key);
        if (!instance || instance->cluster != cluster ||
            (known ? decode_health(known->value) : std::optional(instance->healthy)) == healthy) {
            return std::optional<spi::StoreCommit>();
        }
        spi::StoreCommit commit;
        commit.compares.push_back(unchanged(made->instance_key, stored));
        commit.compares.push_back(unchanged(made->health_key, known));
        commit.ops.push_back({made->health_key, encode_health(healthy)});
        return std::optional(std::move(commit));
    };
    begin(made);
}

void InstanceWriter::begin(const std::shared_ptr<Attempt>& made) {
    made->instance_key = instance_key(made->address);
    made->health_key = health_key(made->address);
    made->pass = gate_.enter();
    const ServiceKey& service = made->address.service;
    if (store_ == nullptr) {
        made->done(spi::Status(spi::Code::kUnavailable,
                               "Persistent instances are kept in a store, and this server runs without one; service " +
                                   service.grouped_name() + " can only have ephemeral ones."));
    } else if (!made->pass) {
        made->done(spi::Status(spi::Code::kUnavailable, "the server is stopping"));
    } else if (!parse_stored_address(std::string_view(made->instance_key).substr(kStoredInstances.size()))) {
        made->done(spi::Status(spi::Code::kInvalidArgument,
                               "the names of service " + service.grouped_name() + " or the ip '" + made->address.ip +
                                   "' are blank or have a zero byte; persistent instances can't be kept under them"));
    } else if (made->instance_key.size() > kLongestStoreKey) {
        made->done(spi::Status(spi::Code::kInvalidArgument,
                               "the names of service " + service.grouped_name() + " and the ip take " +
                                   std::to_string(made->instance_key.size()) + " bytes in the store, the limit is " +
                                   std::to_string(kLongestStoreKey)));
    } else if (!made->registers) {
        attempt(made);
    } else {
        registry_.on_lane(service, Registry::Entry::kRun, [this, made](const ServicePtr& of) {
            const StoredAddress& address = made->address;
            // What is in stays in: it came from another node while the service was ephemeral here.
            if (!of->takes(false) && registry_.find_stored(address.service, address.ip, address.port) == nullptr) {
                finish(made, spi::Status(spi::Code::kConflict, ephemeral_conflict(address.service)));
                return;
            }
            if (of->takes(false)) {
                // Who registers while this is on its way to the disk goes by the flag that is about to be set.
                of->reserve(false);
                made->reserved = of;
            }
            attempt(made);
        });
    }
}

void InstanceWriter::attempt(const std::shared_ptr<Attempt>& made) {
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_->snapshot();
    if (snapshot == nullptr) {
        finish(made, spi::Status(spi::Code::kUnavailable, "the store can't be read"));
        return;
    }
    spi::Result<std::optional<spi::StoreCommit>> planned = made->plan(*snapshot);
    if (!planned) {
        finish(made, planned.error());
        return;
    }
    if (!*planned) {
        finish(made, true);
        return;
    }
    store_->commit(std::move(**planned), [this, made](spi::Result<spi::Revision> outcome) {
        if (outcome) {
            finish(made, true);
        } else if (outcome.error().code() != spi::Code::kConflict) {
            finish(made, outcome.error());
        } else if (++made->count < kMaxAttempts) {
            executors_.work().post([this, made] { attempt(made); });  // somebody was faster: look again
        } else {
            finish(made, spi::Status(spi::Code::kUnavailable, "others have changed the instance " + made->address.ip +
                                                                  ":" + std::to_string(made->address.port) + " of " +
                                                                  made->address.service.grouped_name() + " " +
                                                                  std::to_string(kMaxAttempts) + " times meanwhile"));
        }
    });
}

void InstanceWriter::finish(const std::shared_ptr<Attempt>& made, spi::Result<bool> outcome) {
    const ServicePtr service = made->reserved != nullptr ? made->reserved : registry_.find(made->address.service);
    auto answer = [made, outcome = std::move(outcome)] {
        if (made->reserved != nullptr) {
            std::exchange(made->reserved, nullptr)->unreserve();
        }
        made->pass = {};
        made->done(outcome);
    };
    if (service != nullptr) {
        service->lane().post(std::move(answer));
    } else {
        answer();  // there is nothing that it could be behind of
    }
}

}  // namespace pharos::naming
