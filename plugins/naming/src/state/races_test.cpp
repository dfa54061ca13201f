// Operators, clients and the sweep at the same time, on real threads: what is left must fit together.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "testing.hpp"

namespace pharos::naming {
namespace {

/// The store in memory, for several threads.
class LockedStore final : public spi::Store {
public:
    [[nodiscard]] std::unique_ptr<spi::StoreSnapshot> snapshot() const noexcept override {
        std::lock_guard lock(mutex_);
        return store_.snapshot();
    }
    void commit(spi::StoreCommit commit, spi::Completion<spi::Revision> done) noexcept override {
        std::lock_guard lock(mutex_);
        store_.commit(std::move(commit), std::move(done));
    }
    spi::Registration watch(std::string prefix, spi::Revision after,
                            spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher) noexcept override {
        std::lock_guard lock(mutex_);
        return store_.watch(std::move(prefix), after, std::move(watcher));
    }
    void barrier(spi::Completion<spi::Revision> done) noexcept override { done(spi::Revision(0)); }
    [[nodiscard]] spi::Status readiness() const noexcept override { return {}; }
    [[nodiscard]] std::size_t size() const {
        std::lock_guard lock(mutex_);
        return store_.data.size();
    }

private:
    mutable std::mutex mutex_;
    testing::MemoryStore store_;
};

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

TEST(CatalogueThreads, AServiceIsOneKindAndWhatIsLeftFitsTogether) {
    testing::ThreadedExecutors executors(2);
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    LockedStore store;
    Switches switches;
    Registry registry(executors, 4);
    Pusher pusher(registry, switches, executors, connections, metrics, log);
    Catalogue catalogue(registry, executors, log,
                        {.empty_service_expiry = spi::Duration(0), .override_expiry = spi::Duration(0)});
    registry.add_listener(pusher);
    ASSERT_TRUE(catalogue.start(&store));

    constexpr int kRounds = 300;
    std::atomic<int> waiting{0};
    std::atomic<int> wrong{0};
    const auto done = [&](const spi::Result<bool>&) { --waiting; };
    std::vector<std::thread> threads;
    for (std::uint64_t number = 1; number <= 2; ++number) {
        threads.emplace_back([&, number] {
            const ClientPtr client = registry.add_connection(testing::make_connection(number));
            for (int i = 0; i < kRounds; ++i) {
                ++waiting;
                registry.publish(client, kService,
                                 publication_of({make_instance("1.1.1." + std::to_string(number))}, kService),
                                 [&](const spi::Result<TiePtr>&) {
                                     // On the lane: whoever is in, is in a service of his kind.
                                     const ServicePtr service = registry.find(kService);
                                     wrong += service->has_publishers() && !service->is_ephemeral() ? 1 : 0;
                                     --waiting;
                                 });
                ++waiting;
                registry.withdraw(client, kService, "", 0, [&](const spi::Result<TiePtr>&) { --waiting; });
            }
        });
    }
    threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
            waiting += 3;
            catalogue.create(kService, {}, done);
            catalogue.override_instance(
                kService, "1.1.1.1", 80, "DEFAULT", true, [](InstanceOverride& override) { override.weight += 1.0; },
                done);
            catalogue.remove(kService, done);
        }
    });
    threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
            catalogue.sweep();
            registry.drop_unused();
            registry.sweep(spi::Duration(0));
            const SnapshotPtr snapshot = registry.snapshot(kService);
            const SelectedHosts hosts = snapshot->select({});
            wrong += hosts.json->empty() != snapshot->hosts().empty() ? 1 : 0;
        }
    });
    for (std::thread& thread : threads) {
        thread.join();
    }
    while (waiting != 0) {
        std::this_thread::yield();
    }
    EXPECT_EQ(wrong, 0);
    // With nobody left, everything expires.
    for (int i = 0; i < 1000 && (store.size() != 0 || !registry.services("").empty()); ++i) {
        catalogue.sweep();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(store.size(), 0u);
    EXPECT_TRUE(registry.services("").empty());
    EXPECT_TRUE(registry.snapshot(kService)->hosts().empty());
    catalogue.stop(std::chrono::seconds(10));
    executors.pool.finish();
}

}  // namespace
}  // namespace pharos::naming
