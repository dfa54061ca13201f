// What instances, clients and services take in memory: 10,000 services of 10 instances, half of them published by
// 5,000 connections, half kept by beats of 50,000 addresses. Bytes are those that the allocator has given out.
#include <malloc.h>

#include <benchmark/benchmark.h>

#include "beat/heartbeats.hpp"
#include "testing.hpp"

namespace {

using namespace pharos;
using namespace pharos::naming;

constexpr int kServices = 10'000;
constexpr int kEach = 10;
constexpr int kConnections = 5'000;

double used() { return static_cast<double>(mallinfo2().uordblks); }

ServiceKey service(int number) { return {"public", "DEFAULT_GROUP", "com.example.service-" + std::to_string(number)}; }

Instance instance(int number) {
    Instance made = make_instance("10." + std::to_string(number / 65536) + "." + std::to_string(number / 256 % 256) +
                                      "." + std::to_string(number % 256),
                                  8080);
    made.metadata = {{"version", "1.2.3"}, {"zone", "a"}};
    return made;
}

void memory(benchmark::State& state) {
    for (auto _ : state) {
        const double empty = used();
        World world;
        Heartbeats beats(world.registry, world.switches, world.executors, {});
        std::vector<ClientPtr> connections;
        for (int i = 0; i < kConnections; ++i) {
            connections.push_back(world.connect(static_cast<std::uint64_t>(i + 1)));
        }
        const double begin = used();
        int number = 0;
        for (int s = 0; s < kServices; ++s) {
            for (int i = 0; i < kEach / 2; ++i, ++number) {
                const std::size_t of = static_cast<std::size_t>(number % kConnections);
                world.publish(connections[of], service(s), {instance(number)});
            }
        }
        const double connected = used();
        for (int s = 0; s < kServices; ++s) {
            for (int i = 0; i < kEach / 2; ++i, ++number) {
                beats.register_instance(service(s), instance(number), [](const auto&) {});
            }
        }
        const double beaten = used();
        for (int s = 0; s < kServices; ++s) {
            benchmark::DoNotOptimize(world.registry.snapshot(service(s))->select({}));
        }
        const double read = used();
        constexpr double kHalf = kServices * kEach / 2;
        state.counters["connection"] = (begin - empty) / kConnections;
        state.counters["of_connection"] = (connected - begin) / kHalf;
        state.counters["by_beat"] = (beaten - connected) / kHalf;
        state.counters["text"] = (read - beaten) / (2 * kHalf);
        state.counters["MiB"] = read / 1048576;
    }
}

BENCHMARK(memory)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
