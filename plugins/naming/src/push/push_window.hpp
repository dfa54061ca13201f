#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include <pharos/spi/executor.hpp>

namespace pharos::naming {

/// Decides when a service's change goes out: the first one at once; while changes keep coming, after a window that
/// grows with them up to half a second, so that many changes become one push.
///
///     change ──► told at once ──── window ────┐
///                    change  change  change ──┴─► told together; ≥ 2 in a window: double it, else halve it
///
/// The smallest window is about what one fan-out costs, so a service with many subscribers does not push without
/// pause. Not thread-safe: lives on its service's lane.
class PushWindow {
public:
    static constexpr spi::Duration kLongest = std::chrono::milliseconds(500);
    /// What sending to one subscriber costs, roughly.
    static constexpr spi::Duration kCostEach = std::chrono::microseconds(5);

    /// A change has happened. Returns how long to wait before telling, 0 = now; nothing when a telling is due anyway.
    struct Decision {
        bool tell_now = false;
        bool arm = false;
        spi::Duration delay{0};
    };
    [[nodiscard]] Decision on_change(spi::Duration now) noexcept {
        ++merged_;
        if (armed_) {
            return {};
        }
        if (now >= closed_until_) {
            return {.tell_now = true};
        }
        armed_ = true;
        return {.arm = true, .delay = closed_until_ - now};
    }

    /// The subscribers are being told now.
    void on_told(spi::Duration now, std::size_t subscribers) noexcept {
        const spi::Duration smallest = kCostEach * static_cast<std::int64_t>(subscribers);
        window_ = merged_ >= 2 ? std::max(window_, kFirstStep) * 2 : window_ / 2;
        window_ = std::min(std::max(window_, smallest), kLongest);
        closed_until_ = now + window_;
        merged_ = 0;
        armed_ = false;
    }

    [[nodiscard]] spi::Duration window() const noexcept { return window_; }

private:
    static constexpr spi::Duration kFirstStep = std::chrono::milliseconds(5);

    spi::Duration closed_until_{0};
    spi::Duration window_{0};
    std::size_t merged_ = 0;
    bool armed_ = false;
};

}  // namespace pharos::naming
