#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <pharos/spi/executor.hpp>

namespace pharos::naming {

/// How long acknowledged pushes took, from when they were sent. Any thread.
class PushCosts {
public:
    struct Figures {
        std::int64_t average_ms = -1;  ///< -1: nothing was pushed
        std::int64_t longest_ms = -1;
    };

    void record(spi::Duration cost) noexcept {
        const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(cost).count();
        count_.fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(micros, std::memory_order_relaxed);
        std::int64_t longest = longest_.load(std::memory_order_relaxed);
        while (longest < micros && !longest_.compare_exchange_weak(longest, micros, std::memory_order_relaxed)) {
        }
    }

    [[nodiscard]] Figures figures() const noexcept {
        constexpr std::int64_t kMicros = 1000;
        const std::int64_t count = count_.load(std::memory_order_relaxed);
        return count == 0 ? Figures{}
                          : Figures{sum_.load(std::memory_order_relaxed) / count / kMicros,
                                    longest_.load(std::memory_order_relaxed) / kMicros};
    }

    /// What is recorded meanwhile may be half forgotten.
    void reset() noexcept {
        count_.store(0, std::memory_order_relaxed);
        sum_.store(0, std::memory_order_relaxed);
        longest_.store(0, std::memory_order_relaxed);
    }

private:
    std::atomic<std::int64_t> count_{0};
    std::atomic<std::int64_t> sum_{0};      ///< microseconds
    std::atomic<std::int64_t> longest_{0};  ///< microseconds
};

}  // namespace pharos::naming
