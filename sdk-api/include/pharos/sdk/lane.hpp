#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include <pharos/spi/executor.hpp>

namespace pharos::sdk {

/// A serial queue over a pool: its tasks run one after the other, in the order they came, on changing threads.
///
/// run() on a free lane runs the task in the call, to its end; on a held one it queues the task for the holder, who
/// does at most 64 before it hands the lane to the pool. So a change that meets no other costs no thread switch, and
/// nobody is kept for long by other people's work. A task must not wait for its own lane, and a caller must not hold
/// a lock that tasks of the lane take.
class Lane {
public:
    explicit Lane(spi::Executor& pool) noexcept : pool_(pool) {}
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    /// Any thread, also from a task of this lane (it is then queued).
    void run(spi::Task task) noexcept;
    /// Like run(), but never in the call.
    void post(spi::Task task) noexcept;

private:
    void drain() noexcept;

    spi::Executor& pool_;
    std::mutex mutex_;
    bool held_ = false;
    std::vector<spi::Task> waiting_;
};

/// A fixed number of lanes, chosen by hash: all work on one key is serial.
class LaneMap {
public:
    LaneMap(spi::Executor& pool, std::size_t count) {
        lanes_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            lanes_.push_back(std::make_unique<Lane>(pool));
        }
    }

    [[nodiscard]] Lane& of(std::size_t hash) noexcept {
        return *lanes_[(hash * 0x9E3779B97F4A7C15u >> 32) % lanes_.size()];
    }

private:
    std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace pharos::sdk
