#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <pharos/spi/executor.hpp>

namespace pharos::naming {

/// Things with the times at which somebody must look at them, in buckets of 100 ms: a thing costs its own size, adding
/// it O(1), and what is due is taken in whole buckets. Nothing is taken early but what is due further ahead than the
/// ring is long, 51 s: add it again. Not thread-safe.
///
///     hand ─► [ ][x x][ ][x] … 511 buckets … [x x x]
template <class T>
class DueRing {
public:
    static constexpr spi::Duration kTick = std::chrono::milliseconds(100);

    explicit DueRing(spi::Duration now) noexcept : hand_(now / kTick) {}

    /// Returns when it will be taken: not before `due`, unless that is too far ahead.
    spi::Duration add(spi::Duration due, T thing) {
        const std::int64_t tick = std::clamp((due + kTick - spi::Duration(1)) / kTick, hand_ + 1, hand_ + kBuckets - 1);
        bucket(tick).push_back(std::move(thing));
        ++size_;
        return tick * kTick;
    }

    /// What is due by now.
    [[nodiscard]] std::vector<T> take(spi::Duration now) {
        std::vector<T> due;
        const std::int64_t end = now / kTick;
        for (std::int64_t tick = hand_ + 1; tick <= std::min(end, hand_ + kBuckets - 1); ++tick) {
            std::vector<T> taken = std::exchange(bucket(tick), {});
            size_ -= taken.size();
            if (due.empty()) {
                due = std::move(taken);
            } else {
                due.insert(due.end(), std::move_iterator(taken.begin()), std::move_iterator(taken.end()));
            }
        }
        hand_ = std::max(hand_, end);
        return due;
    }

    /// When the next thing is to be taken.
    [[nodiscard]] std::optional<spi::Duration> next() const noexcept {
        for (std::int64_t tick = hand_ + 1; size_ != 0 && tick < hand_ + kBuckets; ++tick) {
            if (!buckets_[static_cast<std::size_t>(tick % kBuckets)].empty()) {
                return tick * kTick;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::int64_t kBuckets = 512;

    std::vector<T>& bucket(std::int64_t tick) noexcept { return buckets_[static_cast<std::size_t>(tick % kBuckets)]; }

    std::array<std::vector<T>, kBuckets> buckets_;
    std::int64_t hand_;  ///< last tick that has been taken
    std::size_t size_ = 0;
};

}  // namespace pharos::naming
