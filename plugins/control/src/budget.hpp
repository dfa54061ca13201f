#pragma once

#include <array>
#include <cstdint>

#include <pharos/spi/executor.hpp>

#include "rule.hpp"

namespace pharos::control {

/// How requests are slowed before any is refused.
struct Brake {
    double from = 0.8;  ///< share of a limit; 1 = never
    spi::Duration longest = std::chrono::seconds(1);
};

/// A rule, and what is taken under it, counted in slots of a tenth of its period. A request that has to wait is counted
/// in the slot in which it will be handled, behind those that wait already. So the limit holds for what is handled, and
/// who finds a period used up waits for the first slot that has room, if that comes soon enough. Time never goes back.
/// Not thread-safe.
///
///     slot     -9 -8 …  0 | 1  2 … 10
///              has come  now  will come
///
///     delay
///     longest ┤            ╱     then the next slots with room, as far as they begin in time; then it is refused
///             │          ╱
///           0 ┼────────╱──┬──
///             0      from  1     share of the limit that the newest period has used
class Budget {
public:
    /// What it makes of one request more.
    struct Answer {
        bool over = false;  ///< for a rule that intercepts: refused, and not counted
        spi::Duration delay{0};
    };

    /// What was counted stays counted while the period is the same.
    void set(const Rule& rule) noexcept;
    [[nodiscard]] const Rule& rule() const noexcept { return rule_; }
    /// `delay`: how long the request has to wait anyhow.
    Answer take(spi::Duration now, spi::Duration delay, const Brake& brake) noexcept;
    /// Handled within the last period.
    [[nodiscard]] std::int64_t count(spi::Duration now) noexcept;

private:
    using Slot = std::int64_t;
    static constexpr Slot kSlots = 10;  ///< of a period

    [[nodiscard]] Slot slot_of(spi::Duration time) const noexcept { return time / (rule_.period / kSlots); }
    [[nodiscard]] std::int64_t& at(Slot slot) noexcept {
        return slots_[static_cast<std::size_t>(slot) % slots_.size()];
    }
    /// Counted in the period that ends with the slot.
    [[nodiscard]] std::int64_t sum_until(Slot slot) noexcept;
    /// Forgets what is older than a period.
    void rotate(spi::Duration now) noexcept;

    Rule rule_;
    std::array<std::int64_t, 2 * kSlots> slots_{};
    Slot now_ = 0;   ///< since the clock's beginning
    Slot last_ = 0;  ///< the last one that has anything, or now
};

}  // namespace pharos::control
