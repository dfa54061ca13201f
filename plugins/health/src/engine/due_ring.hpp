#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include <boost/intrusive/list.hpp>

#include <pharos/spi/executor.hpp>

namespace pharos::health {

/// Base of what waits in a DueRing or a Queue, in one of them at a time.
class Queued : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    void leave() noexcept {
        if (is_linked()) {
            unlink();
        }
    }

    spi::Duration due{0};
};

using Queue = boost::intrusive::list<Queued, boost::intrusive::constant_time_size<false>>;

/// What is due when, in buckets of 20 ms: a place costs two pointers, and one timer, set to next(), serves all. What is
/// due further ahead than the ring is long, 10 s, is met on the way and put back. Nothing is taken early. Not
/// thread-safe.
///
///     hand ─► [ ][x x][ ][x] … 512 buckets … [x x x]
class DueRing {
public:
    static constexpr spi::Duration kTick = std::chrono::milliseconds(20);

    explicit DueRing(spi::Duration now) noexcept : hand_(now / kTick) {}

    /// Returns when it will be met.
    spi::Duration add(Queued& thing, spi::Duration due) noexcept {
        thing.due = due;
        const std::int64_t tick = std::clamp(tick_of(due), hand_ + 1, hand_ + kBuckets - 1);
        bucket(tick).push_back(thing);
        return tick * kTick;
    }

    /// Moves what is due by now to the end of `queue`, the earlier before the later.
    void take(spi::Duration now, Queue& queue) noexcept {
        const std::int64_t end = now / kTick;
        if (end - hand_ > kBuckets) {
            hand_ = end - kBuckets;  // all buckets are met once
        }
        for (; hand_ < end; ++hand_) {
            Queue met;
            met.splice(met.end(), bucket(hand_ + 1));
            while (!met.empty()) {
                Queued& first = met.front();
                met.pop_front();
                const std::int64_t tick = tick_of(first.due);
                if (tick <= end) {
                    queue.push_back(first);
                } else {
                    bucket(std::min(tick, hand_ + kBuckets)).push_back(first);
                }
            }
        }
    }

    /// When to take again.
    [[nodiscard]] std::optional<spi::Duration> next() const noexcept {
        for (std::int64_t tick = hand_ + 1; tick < hand_ + kBuckets; ++tick) {
            if (!buckets_[static_cast<std::size_t>(tick % kBuckets)].empty()) {
                return tick * kTick;
            }
        }
        return std::nullopt;
    }

private:
    static constexpr std::int64_t kBuckets = 512;

    static std::int64_t tick_of(spi::Duration due) noexcept { return (due + kTick - spi::Duration(1)) / kTick; }
    Queue& bucket(std::int64_t tick) noexcept { return buckets_[static_cast<std::size_t>(tick % kBuckets)]; }

    std::array<Queue, kBuckets> buckets_;
    std::int64_t hand_;  ///< last tick of which nothing is left
};

}  // namespace pharos::health
