// What a change costs when its lane runs it in the call, against always queueing it for the pool.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>
#include <vector>

#include <pharos/sdk/lane.hpp>
#include <pharos/testing/fakes.hpp>

namespace {

using namespace pharos;

/// Each iteration makes a change and waits for it, as a request does that answers when its change is applied.
template <bool kInline>
void change(benchmark::State& state) {
    static testing::ThreadPool pool(2);
    static sdk::LaneMap lanes(pool, 256);
    std::size_t key = static_cast<std::size_t>(state.thread_index()) * 977;
    for (auto _ : state) {
        std::atomic<bool> done{false};
        auto work = [&] {
            benchmark::DoNotOptimize(key);
            done.store(true, std::memory_order_release);
            done.notify_one();
        };
        if constexpr (kInline) {
            lanes.of(key++).run(work);
        } else {
            lanes.of(key++).post(work);
        }
        done.wait(false, std::memory_order_acquire);
    }
}

void inline_lane(benchmark::State& state) { change<true>(state); }
void always_queued(benchmark::State& state) { change<false>(state); }
BENCHMARK(inline_lane)->Threads(1)->Threads(2)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK(always_queued)->Threads(1)->Threads(2)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
