#pragma once

#include <pharos/spi/kv_store.hpp>

#include "model/hybrid_clock.hpp"

namespace pharos::naming {

/// Keeps the hybrid clock from going back over a restart: a mark on disk is always ahead of what has been given out,
/// and the clock begins above it. Without it, a node whose wall clock was set back would give clients times that they
/// take for old, and they would hear nothing more.
class ClockMark {
public:
    /// How far the mark is ahead, and so how far after a restart the clock may be ahead of the wall.
    static constexpr std::int64_t kAheadMs = 90'000;

    /// Without a store the clock begins with the wall clock.
    ClockMark(HybridClock& clock, spi::KvStore* store) : clock_(clock), store_(store) {}

    /// At the start: the clock goes above the mark, and a new mark is set.
    void restore();
    /// To be called more often than kAheadMs.
    void save();

private:
    HybridClock& clock_;
    spi::KvStore* const store_;
};

}  // namespace pharos::naming
