#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include <pharos/spi/executor.hpp>

namespace pharos::health {

/// How far this node is behind with its own work, by how late the engine's timers are acted upon, and what that means
/// for probes under way. Answers of targets wait for the same processors, so what this says of the engine is the best
/// guess of what happens to them. Not thread-safe.
class Lag {
public:
    /// A timer may be as late as this without a word: it is half of what a probe has.
    static constexpr spi::Duration kTolerated = std::chrono::milliseconds(250);
    /// Answers are awaited no longer than this beyond the rest, however late the node is.
    static constexpr spi::Duration kMost = std::chrono::seconds(2);

    /// A timer was acted upon at `now`, `late` after its time.
    void note(spi::Duration now, spi::Duration late) noexcept {
        peak_ = std::max(std::min(late, kMost), slack(now));
        noted_at_ = now;
        const bool is_behind = late > kTolerated;
        if (is_behind) {
            behind_at_ = now;
        }
        // Who stood still (stopped, suspended, short of processors) hears first and judges afterwards; but not twice in
        // a row, or a node that is always late would never judge.
        if (is_behind && !has_put_off_) {
            judge_from_ = now + kTolerated;
            has_put_off_ = true;
        } else if (is_behind || now >= judge_from_) {
            judge_from_ = std::min(judge_from_, now);
            has_put_off_ = false;
        }
    }

    /// How much longer than on an idle machine an answer may take: the worst that was noted, which is forgotten by half
    /// each second. Probes under way have seen some of it, and who was late a moment ago is likely to be so again.
    [[nodiscard]] spi::Duration slack(spi::Duration now) const noexcept {
        const double seconds = std::max(std::chrono::duration<double>(now - noted_at_).count(), 0.0);
        return spi::Duration(static_cast<spi::Duration::rep>(static_cast<double>(peak_.count()) * std::exp2(-seconds)));
    }

    /// Until then nobody is held to be silent.
    [[nodiscard]] spi::Duration judge_from() const noexcept { return judge_from_; }

    /// Whether the node has been behind by more than is tolerated at some time after `began`.
    [[nodiscard]] bool was_behind_after(spi::Duration began) const noexcept { return behind_at_ > began; }

private:
    spi::Duration peak_{0};
    spi::Duration noted_at_{0};
    spi::Duration behind_at_{0};
    spi::Duration judge_from_{0};
    bool has_put_off_ = false;  ///< judge_from_, because of the newest lateness
};

}  // namespace pharos::health
