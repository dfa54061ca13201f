#include "budget.hpp"

#include <algorithm>

namespace pharos::control {

void Budget::set(const Rule& rule) noexcept {
    if (rule.period != rule_.period) {
        slots_ = {};
        now_ = 0;
        last_ = 0;
    }
    rule_ = rule;
}

std::int64_t Budget::sum_until(Slot slot) noexcept {
    std::int64_t sum = 0;
    for (Slot i = slot - kSlots + 1; i <= slot; ++i) {
        sum += at(i);
    }
    return sum;
}

void Budget::rotate(spi::Duration now) noexcept {
    const Slot newest = slot_of(now);
    for (const Slot end = std::min(newest, now_ + 2 * kSlots); now_ < end;) {
        at(++now_ + kSlots) = 0;
    }
    now_ = std::max(now_, newest);
    last_ = std::max(last_, now_);
}

Budget::Answer Budget::take(spi::Duration now, spi::Duration delay, const Brake& brake) noexcept {
    if (!rule_.is_limit()) {
        return {.delay = delay};
    }
    rotate(now);
    const spi::Duration longest = std::min(brake.longest, rule_.period);
    delay = std::min(delay, longest);
    if (!rule_.intercept) {
        const bool over = sum_until(now_) >= rule_.max_count;
        ++at(slot_of(now + delay));
        return {.over = over, .delay = delay};
    }
    const bool slows = brake.from < 1;
    if (slows) {
        const double limit = static_cast<double>(rule_.max_count);
        const double beyond = static_cast<double>(sum_until(last_) + 1) / limit - brake.from;
        const double way = std::clamp(beyond / (1 - brake.from), 0.0, 1.0);
        const auto by_share = static_cast<spi::Duration::rep>(way * static_cast<double>(longest.count()));
        delay = std::max(delay, spi::Duration(by_share));
    }
    Slot slot = std::max(slot_of(now + delay), last_);
    const Slot end = slows ? slot_of(now + longest) : slot;
    while (slot <= end && sum_until(slot) >= rule_.max_count) {
        ++slot;
    }
    if (slot > end) {
        return {.over = true};
    }
    ++at(slot);
    last_ = slot;
    return {.delay = std::max(delay, slot * (rule_.period / kSlots) - now)};
}

std::int64_t Budget::count(spi::Duration now) noexcept {
    rotate(now);
    return sum_until(now_);
}

}  // namespace pharos::control
