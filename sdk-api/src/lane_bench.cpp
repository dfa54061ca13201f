// What a change costs when its lane runs it in the call, against always queueing it for the pool.
#include <benchmark/benchmark.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <pharos/sdk/lane.hpp>

namespace {

using namespace pharos;

class Pool final : public spi::Executor {
public:
    explicit Pool(int threads) {
        for (int i = 0; i < threads; ++i) {
            threads_.emplace_back([this] { loop(); });
        }
    }
    ~Pool() {
        {
            std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }
    void post(spi::Task task) noexcept override {
        {
            std::lock_guard lock(mutex_);
            tasks_.push_back(std::move(task));
        }
        wake_.notify_one();
    }

private:
    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
            if (tasks_.empty()) {
                return;
            }
            spi::Task task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
            lock.lock();
        }
    }
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<spi::Task> tasks_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

/// Each iteration makes a change and waits for it, as a request does that answers when its change is applied.
template <bool kInline>
void change(benchmark::State& state) {
    static Pool pool(2);
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
