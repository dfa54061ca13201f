#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include <pharos/spi/executor.hpp>

namespace pharos::naming {

/// Makes `lastRefTime`: close to the wall clock in milliseconds, and strictly growing whatever the wall clock does.
/// SDKs drop what is not newer than what they have (`protocol/naming.md §11`, trap 27). Any thread.
class HybridClock {
public:
    explicit HybridClock(const spi::Clock& clock) noexcept : clock_(clock) {}

    [[nodiscard]] std::int64_t next() noexcept {
        std::int64_t last = last_.load(std::memory_order_relaxed);
        std::int64_t made = 0;
        do {
            made = std::max(clock_.wall_ms(), last + 1);
        } while (!last_.compare_exchange_weak(last, made, std::memory_order_acq_rel));
        return made;
    }

    /// What is made from now on is greater than `seen`.
    void observe(std::int64_t seen) noexcept {
        std::int64_t last = last_.load(std::memory_order_relaxed);
        while (last < seen && !last_.compare_exchange_weak(last, seen, std::memory_order_acq_rel)) {
        }
    }

private:
    const spi::Clock& clock_;
    std::atomic<std::int64_t> last_{0};
};

}  // namespace pharos::naming
