#pragma once

#include <algorithm>
#include <cmath>

#include <pharos/spi/health_check.hpp>

namespace pharos::health {

/// When the next probe comes (`protocol/naming.md §4.2`): pure functions of what the last one showed.

/// The pace as it is used, whatever an operator has set.
[[nodiscard]] inline spi::ProbePace sane(spi::ProbePace pace) noexcept {
    constexpr spi::Duration kShortest = std::chrono::milliseconds(100);
    constexpr spi::Duration kLongest = std::chrono::hours(24);
    pace.min = std::clamp(pace.min, kShortest, kLongest);
    pace.max = std::clamp(pace.max, pace.min, kLongest);
    pace.factor = std::isfinite(pace.factor) ? std::clamp(pace.factor, 0.0, 1.0) : 0.75;
    return pace;
}

/// The next interval, after a check that is held to have cost `cost`.
[[nodiscard]] inline spi::Duration next_interval(const spi::ProbePace& pace, spi::Duration current,
                                                 spi::Duration cost) noexcept {
    const double next =
        pace.factor * static_cast<double>(current.count()) + (1 - pace.factor) * static_cast<double>(cost.count());
    return std::clamp(spi::Duration(static_cast<spi::Duration::rep>(next)), pace.min, pace.max);
}

/// What a check is held to have cost. A failure costs more than it took, so that who is away is probed at ease.
/// `waited`: from when the probe was due to its end.
[[nodiscard]] inline spi::Duration cost_of(spi::ProbeResult::Outcome outcome, const spi::ProbePace& pace,
                                           spi::Duration current, spi::Duration waited) noexcept {
    switch (outcome) {
        case spi::ProbeResult::Outcome::kPassed: return waited;
        case spi::ProbeResult::Outcome::kFailedNow: return pace.max;
        default: return 2 * current;
    }
}

}  // namespace pharos::health
