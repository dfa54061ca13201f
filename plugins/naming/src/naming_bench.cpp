// What the hot paths of naming cost without a transport.
#include <benchmark/benchmark.h>

#include <pharos/testing/fakes.hpp>

#include "index/registry.hpp"
#include "push/pusher.hpp"

namespace {

using namespace pharos;
using namespace pharos::naming;

const ServiceKey kService{"public", "DEFAULT_GROUP", "bench"};

Instance instance(int number) {
    Instance made;
    made.ip = "10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250);
    made.port = 8080;
    made.metadata = {{"version", "1"}};
    return made;
}

PublicationPtr publication(int number) {
    auto made = std::make_shared<Publication>();
    made->hosts.push_back(std::make_shared<const Host>(instance(number), kService));
    return made;
}

struct World {
    testing::FakeExecutors executors;
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    Registry registry{executors, 256};
    Switches switches;
    Pusher pusher{registry, switches, executors, connections, metrics, log};
    World() { registry.add_listener(pusher); }
};

void encode_host(benchmark::State& state) {
    const Instance one = instance(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(Host(one, kService));
    }
}

/// One client replaces its instance in a service of N hosts.
void publish(benchmark::State& state) {
    World world;
    const int hosts = static_cast<int>(state.range(0));
    for (int i = 0; i < hosts; ++i) {
        world.registry.publish(
            world.registry.add_connection(testing::make_connection(static_cast<std::uint64_t>(i + 1))), kService,
            publication(i), [](const spi::Result<TiePtr>&) {});
    }
    const ClientPtr client = world.registry.find_connection(1);
    const PublicationPtr wishes[] = {publication(60'000), publication(60'001)};
    int turn = 0;
    for (auto _ : state) {
        world.registry.publish(client, kService, wishes[turn++ & 1], [](const spi::Result<TiePtr>&) {});
    }
}

/// A reader of a service of N hosts whose snapshot has just changed, then unchanged.
void first_text(benchmark::State& state) {
    std::vector<HostPtr> hosts;
    for (int i = 0; i < state.range(0); ++i) {
        hosts.push_back(std::make_shared<const Host>(instance(i), kService));
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(ServiceSnapshot(hosts, 1).select({}).json);
    }
}

void shared_text(benchmark::State& state) {
    std::vector<HostPtr> hosts;
    for (int i = 0; i < state.range(0); ++i) {
        hosts.push_back(std::make_shared<const Host>(instance(i), kService));
    }
    const ServiceSnapshot snapshot(hosts, 1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(snapshot.select({}).json);
    }
}

BENCHMARK(encode_host);
BENCHMARK(publish)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);
BENCHMARK(first_text)->Arg(10)->Arg(1000);
BENCHMARK(shared_text)->Arg(10)->Arg(1000);

}  // namespace
