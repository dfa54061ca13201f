#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/kv_store.hpp>
#include <pharos/testing/fakes.hpp>

#include "index/registry.hpp"
#include "persistent/persistent_instances.hpp"
#include "push/pusher.hpp"
#include "state/catalogue.hpp"
#include "state/last_views.hpp"
#include "state/switches.hpp"

/// What tests of naming begin with.
namespace pharos::naming {

/// A KvStore in memory, which outlives what uses it as a disk does.
class MemoryKvStore final : public spi::KvStore {
public:
    using Values = std::map<std::string, std::string, std::less<>>;

    class View final : public spi::KvSnapshot {
    public:
        explicit View(Values values) : values_(std::move(values)) {}
        [[nodiscard]] std::optional<std::string_view> get(std::string_view key) const noexcept override {
            const auto found = values_.find(key);
            return found == values_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
        }
        void scan(std::string_view prefix, std::string_view from,
                  spi::UniqueFunction<bool(std::string_view, std::string_view)> each) const override {
            for (auto at = values_.lower_bound(std::max(prefix, from)); at != values_.end(); ++at) {
                if (!at->first.starts_with(prefix) || !each(at->first, at->second)) {
                    return;
                }
            }
        }

    private:
        Values values_;
    };

    [[nodiscard]] std::unique_ptr<spi::KvSnapshot> snapshot() const noexcept override {
        return std::make_unique<View>(values);
    }
    void write(spi::KvBatch batch, spi::Durability, spi::Completion<bool> done) noexcept override {
        ++writes;
        for (spi::KvBatch::Op& op : batch.ops) {
            if (op.value) {
                values[op.key] = *op.value;
            } else {
                values.erase(op.key);
            }
        }
        done(true);
    }

    Values values;
    int writes = 0;
};

/// Takes the gRPC handlers that are registered, so that a test can call them.
class Methods final : public spi::RpcMethods {
public:
    spi::Result<spi::Registration> add(const spi::RpcMethod& method, spi::RpcHandler handler) override {
        handlers[std::string(method.type)] = std::move(handler);
        return spi::Registration();
    }
    spi::Registration ability(std::string_view key) override {
        abilities.emplace_back(key);
        return {};
    }
    testing::Answer call(const spi::ConnectionPtr& connection, const std::string& type, const std::string& body) {
        testing::Answer answer;
        const spi::Principal nobody{};
        spi::RpcRequest request;
        request.type = type;
        request.body = body;
        request.connection = connection;
        request.principal = &nobody;
        handlers.at(type)(request, answer.rpc());
        return answer;
    }

    std::map<std::string, spi::RpcHandler> handlers;
    std::vector<std::string> abilities;
};

inline Instance make_instance(std::string ip, std::uint16_t port = 80, std::string cluster = "DEFAULT") {
    Instance made;
    made.ip = std::move(ip);
    made.port = port;
    made.cluster = std::move(cluster);
    return made;
}

/// Believes what a test says that probes found. Over more than one run when the test says so.
class FakeHealthChecks final : public spi::HealthChecks {
public:
    struct Watch {
        spi::CheckTarget target;  ///< what is probed, and what is believed
        OnChange on_change;
        spi::LastProbe last;
        int updates = 0;
    };

    std::unique_ptr<spi::HealthWatch> watch(spi::CheckTarget target, OnChange on_change) noexcept override {
        watches.push_back({std::move(target), std::move(on_change), {}});
        return std::make_unique<Handle>(*this, std::prev(watches.end()));
    }
    void set_policy(const spi::HealthPolicy& set) noexcept override { policy = set; }

    /// The watch of an ip, or null.
    Watch* find(std::string_view ip) {
        const auto found =
            std::find_if(watches.begin(), watches.end(), [ip](const Watch& watch) { return watch.target.ip == ip; });
        return found == watches.end() ? nullptr : &*found;
    }

    std::list<Watch> watches;
    spi::HealthPolicy policy;

private:
    class Handle final : public spi::HealthWatch {
    public:
        Handle(FakeHealthChecks& owner, std::list<Watch>::iterator at) : owner_(owner), at_(at) {}
        ~Handle() override { owner_.watches.erase(at_); }
        void update(spi::CheckTarget target) noexcept override {
            at_->target = std::move(target);
            ++at_->updates;
        }
        void assume(bool healthy) noexcept override { at_->target.healthy = healthy; }
        [[nodiscard]] spi::LastProbe last() const noexcept override { return at_->last; }

    private:
        FakeHealthChecks& owner_;
        std::list<Watch>::iterator at_;
    };
};

/// One run of naming over fakes. Make another one over the same stores: that is a restart.
struct World {
    explicit World(spi::Store* store = nullptr, spi::KvStore* kv = nullptr, LastViews::Options views = {},
                   Catalogue::Options expiry = {}, spi::HealthChecks* engine = nullptr)
        : catalogue(registry, executors, log, expiry), last_views(registry, executors, log, views) {
        registry.add_listener(pusher);
        registry.add_listener(last_views);
        switches.on_change([this] {
            pusher.on_switches_changed();
            persistent.probes().on_switches_changed();
        });
        started = switches.start(store);
        if (started) {
            started = catalogue.start(store);
        }
        if (started) {
            started = persistent.start(store, engine);
        }
        executors.run();
        last_views.start(kv);
    }
    World(const World&) = delete;
    ~World() {
        last_views.stop(spi::Duration(0));
        persistent.stop(spi::Duration(0));
        catalogue.stop(spi::Duration(0));
        switches.stop(spi::Duration(0));
    }

    ClientPtr connect(spi::ConnectionNumber number) {
        return registry.add_connection(testing::make_connection(number));
    }
    /// The outcome: "" when it was accepted, else the message.
    std::string publish(const ClientPtr& client, const ServiceKey& key, std::vector<Instance> instances) {
        std::string said = "not answered";
        registry.publish(client, key, publication_of(std::move(instances), key),
                         [&](const spi::Result<TiePtr>& outcome) { said = outcome ? "" : outcome.error().message(); });
        return said;
    }
    std::string publish(const ClientPtr& client, const ServiceKey& key, const std::string& ip) {
        return publish(client, key, {make_instance(ip)});
    }
    void withdraw(const ClientPtr& client, const ServiceKey& key, const std::string& ip = {}) {
        registry.withdraw(client, key, ip, 80, [](const spi::Result<TiePtr>&) {});
    }
    void subscribe(const ClientPtr& client, const ServiceKey& key, const std::string& clusters = {}) {
        registry.subscribe(client, key, clusters, [](const spi::Result<TiePtr>&) {});
    }
    /// Addresses of what is shown, sorted.
    std::vector<std::string> ips(const ServiceKey& key) {
        std::vector<std::string> found;
        const SnapshotPtr shown = registry.snapshot(key);
        for (const HostPtr& host : shown->hosts()) {
            found.push_back(host->instance().ip);
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    // Changes of the catalogue and the switches: "" or the message, after all of it has been applied.
    using Said = std::string;
    template <class Call>
    Said said(Call call) {
        auto text = std::make_shared<std::string>("not answered");
        call([text](const spi::Result<bool>& outcome) { *text = outcome ? "" : outcome.error().message(); });
        executors.run();
        return *text;
    }
    Said create(const ServiceKey& key, ServiceMetadata metadata = {}) {
        return said([&](auto done) { catalogue.create(key, std::move(metadata), std::move(done)); });
    }
    Said update(const ServiceKey& key, std::function<void(ServiceMetadata&)> mutate) {
        return said([&](auto done) { catalogue.update(key, std::move(mutate), std::move(done)); });
    }
    Said remove(const ServiceKey& key) {
        return said([&](auto done) { catalogue.remove(key, std::move(done)); });
    }
    Said override_instance(const ServiceKey& key, const std::string& ip,
                           std::function<void(InstanceOverride&)> mutate) {
        return said([&](auto done) {
            catalogue.override_instance(key, ip, 80, "DEFAULT", true, std::move(mutate), std::move(done));
        });
    }
    Said turn(const std::string& entry, const std::string& value, bool debug = false) {
        return said([&](auto done) { switches.set(entry, value, debug, std::move(done)); });
    }

    // Persistent instances.
    Said keep(const ServiceKey& key, Instance instance) {
        return said(
            [&](auto done) { persistent.writer().register_instance(key, std::move(instance), std::move(done)); });
    }
    Said keep(const ServiceKey& key, const std::string& ip) {
        Instance instance = make_instance(ip);
        instance.ephemeral = false;
        return keep(key, std::move(instance));
    }
    Said drop(const ServiceKey& key, const std::string& ip) {
        return said([&](auto done) { persistent.writer().deregister_instance(key, ip, 80, std::move(done)); });
    }
    Said set_health(const ServiceKey& key, const std::string& ip, bool healthy) {
        return said(
            [&](auto done) { persistent.writer().set_health(key, ip, 80, "DEFAULT", healthy, std::move(done)); });
    }
    /// What is shown of the ip, or null.
    HostPtr shown(const ServiceKey& key, const std::string& ip) {
        const SnapshotPtr snapshot = registry.snapshot(key);
        for (const HostPtr& host : snapshot->hosts()) {
            if (host->instance().ip == ip) {
                return host;
            }
        }
        return nullptr;
    }

    testing::FakeExecutors executors;
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    Switches switches;
    Registry registry{executors, 16};
    Pusher pusher{registry, switches, executors, connections, metrics, log};
    Catalogue catalogue;
    PersistentInstances persistent{registry, switches, executors, log};
    LastViews last_views;
    spi::Status started;
};

}  // namespace pharos::naming
