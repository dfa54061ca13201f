#include "runtime/executors.hpp"

#include <chrono>

namespace pharos::runtime {

spi::Duration SystemClock::steady() const noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }

std::int64_t SystemClock::wall_ms() const noexcept {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

KernelExecutors::KernelExecutors(std::size_t work_threads, std::size_t block_threads)
    : timers_(clock_), work_("work", work_threads), block_("block", block_threads) {
    timers_.run();
}

spi::Executor& KernelExecutors::dedicated(std::string_view name) noexcept {
    std::lock_guard lock(mutex_);
    auto found = dedicated_.find(name);
    if (found == dedicated_.end()) {
        std::string key(name);
        auto pool = std::make_unique<ThreadPool>(key, 1);
        found = dedicated_.emplace(std::move(key), std::move(pool)).first;
    }
    return *found->second;
}

std::vector<KernelExecutors::Role> KernelExecutors::roles() const {
    std::vector<Role> roles{{work_.name(), work_.size(), work_.queued()},
                            {block_.name(), block_.size(), block_.queued()}};
    std::lock_guard lock(mutex_);
    for (const auto& [name, pool] : dedicated_) {
        roles.push_back({name, pool->size(), pool->queued()});
    }
    return roles;
}

void KernelExecutors::stop() noexcept {
    timers_.stop();
    work_.stop();
    block_.stop();
    std::lock_guard lock(mutex_);
    for (auto& [name, pool] : dedicated_) {
        pool->stop();
    }
}

}  // namespace pharos::runtime
