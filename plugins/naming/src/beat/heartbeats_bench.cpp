// What 50,000 instances that are kept by beats cost: each beat, and looking after them for a minute of beats.
#include <benchmark/benchmark.h>

#include "beat/heartbeats.hpp"
#include "testing.hpp"

namespace {

using namespace pharos;
using namespace pharos::naming;
using namespace std::chrono_literals;

constexpr int kInstances = 50'000;

ServiceKey service(int number) {
    return {"public", "DEFAULT_GROUP", "com.example.service-" + std::to_string(number / 10)};
}

Instance instance(int number) {
    return make_instance("10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250), 8080);
}

struct Beaten {
    World world;
    Heartbeats beats{world.registry, world.switches, world.executors, {}};
    Beaten() {
        for (int i = 0; i < kInstances; ++i) {
            beats.register_instance(service(i), instance(i), [](const auto&) {});
        }
    }
    void beat(int number) {
        beats.beat(service(number), instance(number), true, [](const auto&) {});
    }
};

void beat(benchmark::State& state) {
    Beaten beaten;
    int turn = 0;
    for (auto _ : state) {
        beaten.beat(turn++ % kInstances);
    }
}

/// Without the beats themselves, which come every 5 s.
void look_after(benchmark::State& state) {
    Beaten beaten;
    for (auto _ : state) {
        for (int round = 0; round < 12; ++round) {
            state.PauseTiming();
            for (int i = 0; i < kInstances; ++i) {
                beaten.beat(i);
            }
            state.ResumeTiming();
            beaten.world.executors.advance(5s);
        }
    }
}

BENCHMARK(beat);
BENCHMARK(look_after)->Unit(benchmark::kMillisecond);

}  // namespace
