// Commits a second, in a closed loop of N writers, each waiting for its own commit.
#include <benchmark/benchmark.h>

#include <atomic>
#include <functional>

#include "file_check.hpp"
#include "sealed.hpp"
#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

void commits(benchmark::State& state) {
    TempFolder folder;
    OpenStore open(folder.store());
    const int writers = static_cast<int>(state.range(0));
    const int rounds = 2000 + writers * 200;
    std::int64_t total = 0;
    std::atomic<int> serial{0};
    for (auto _ : state) {
        std::atomic<int> left{rounds};
        std::atomic<int> running{writers};
        std::promise<void> end;
        std::function<void()> next = [&] {
            if (left.fetch_sub(1) <= 0) {
                if (--running == 0) {
                    end.set_value();
                }
                return;
            }
            open.store().commit(put("config/" + std::to_string(serial++ * 7919LL % 100003), std::string(1024, 'v')),
                                [&](spi::Result<spi::Revision>) { next(); });
        };
        for (int i = 0; i < writers; ++i) {
            next();
        }
        end.get_future().wait();
        total += rounds;
    }
    state.SetItemsProcessed(total);
    state.counters["per_sync"] = static_cast<double>(open.count("pharos_store_writes_total")) /
                                 static_cast<double>(open.count("pharos_store_commits_total"));
}
BENCHMARK(commits)->Arg(1)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);

/// What the checksum adds to each of the commits above.
void seal(benchmark::State& state) {
    const std::string value(1024, 'v');
    const std::string head(8, 'r');
    for (auto _ : state) {
        benchmark::DoNotOptimize(seal_of("config/12345", head, value));
    }
}
BENCHMARK(seal);

/// What the look at all pages adds to a start: 100,000 values of 1 KiB.
void check_at_start(benchmark::State& state) {
    TempFolder folder;
    {
        OpenStore open(folder.store());
        for (int i = 0; i < 100'000; i += 1000) {
            spi::StoreCommit commit;
            for (int j = i; j < i + 1000; ++j) {
                commit.ops.push_back({"config/" + std::to_string(j), std::string(1024, 'v')});
            }
            (void)commit_now(open.store(), std::move(commit));
        }
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(check_file(folder.store() + "/data.mdb"));
    }
}
BENCHMARK(check_at_start)->Unit(benchmark::kMillisecond);

void snapshot_get(benchmark::State& state) {
    TempFolder folder;
    OpenStore open(folder.store());
    for (int i = 0; i < 1000; ++i) {
        (void)commit_now(open.store(), put("k" + std::to_string(i), std::string(100, 'v')));
    }
    for (auto _ : state) {
        auto snapshot = open.store().snapshot();
        benchmark::DoNotOptimize(snapshot->get("k500"));
    }
}
BENCHMARK(snapshot_get);

}  // namespace
}  // namespace pharos::storage_lmdb::testing
