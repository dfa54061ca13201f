#pragma once

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include <pharos/spi/executor.hpp>

namespace pharos::config {

/// Lets one writer at a time have a key, in the order in which they came: each finds the outcome of the one before it,
/// so that writers of one node never fail each other's conditions. Writers of different keys do not meet. Any thread.
class WriteQueue {
public:
    /// So many writers may wait for one key.
    static constexpr std::size_t kMostWaiting = 4096;

    explicit WriteQueue(spi::Executor& pool) : pool_(pool) {}

    /// Runs the task once nobody has the key: in the call, or later on the pool. It has the key until leave(). False:
    /// too many wait already, and the task was not taken.
    [[nodiscard]] bool enter(const std::string& key, spi::Task& task);
    void leave(const std::string& key);

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t kShards = 64;
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, std::list<spi::Task>> held;  ///< by key: who waits
    };
    [[nodiscard]] Shard& shard_of(const std::string& key) { return shards_[std::hash<std::string>{}(key) % kShards]; }

    spi::Executor& pool_;
    std::array<Shard, kShards> shards_;
    std::atomic<std::size_t> waiting_{0};
};

}  // namespace pharos::config
