#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include <boost/intrusive/list.hpp>

#include <pharos/spi/executor.hpp>

namespace pharos::net {

/// Base of what must end at some time. Leaves the Deadlines that it is in by leave(), or when it is destroyed.
class Deadline : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    void leave() noexcept {
        if (is_linked()) {
            unlink();
        }
    }

private:
    friend class Deadlines;
    std::int64_t tick_ = 0;
};

/// Deadlines in a ring of buckets of 10 ms: adding and removing one costs a few pointers, and one timer, set to next(),
/// serves all of them. What is due further ahead than the ring is long, 2.5 s, is met on the way and put back. Nothing
/// is taken early. Not thread-safe.
class Deadlines {
public:
    static constexpr spi::Duration kTick = std::chrono::milliseconds(10);

    explicit Deadlines(spi::Duration now) noexcept : hand_(now / kTick) {}

    /// Returns when it will be met.
    spi::Duration add(Deadline& thing, spi::Duration due) noexcept {
        thing.tick_ = std::max((due + kTick - spi::Duration(1)) / kTick, hand_ + 1);
        const std::int64_t tick = std::min(thing.tick_, hand_ + kBuckets - 1);
        bucket(tick).push_back(thing);
        return tick * kTick;
    }

    /// Takes one that is due by now, or null.
    [[nodiscard]] Deadline* take(spi::Duration now) noexcept {
        for (const std::int64_t end = now / kTick; hand_ < end; ++hand_) {
            List& due = bucket(hand_ + 1);
            while (!due.empty()) {
                Deadline& first = due.front();
                due.pop_front();
                if (first.tick_ <= end) {
                    return &first;
                }
                bucket(std::min(first.tick_, hand_ + kBuckets)).push_back(first);
            }
        }
        return nullptr;
    }

    /// One of them, if there is any; it stays.
    [[nodiscard]] Deadline* any() noexcept {
        for (List& list : buckets_) {
            if (!list.empty()) {
                return &list.front();
            }
        }
        return nullptr;
    }

    /// When to look again.
    [[nodiscard]] std::optional<spi::Duration> next() const noexcept {
        for (std::int64_t tick = hand_ + 1; tick < hand_ + kBuckets; ++tick) {
            if (!buckets_[static_cast<std::size_t>(tick % kBuckets)].empty()) {
                return tick * kTick;
            }
        }
        return std::nullopt;
    }

private:
    static constexpr std::int64_t kBuckets = 256;
    using List = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;

    List& bucket(std::int64_t tick) noexcept { return buckets_[static_cast<std::size_t>(tick % kBuckets)]; }

    std::array<List, kBuckets> buckets_;
    std::int64_t hand_;  ///< last tick of which nothing is left
};

}  // namespace pharos::net
