#include "point.hpp"

#include <algorithm>

namespace pharos::control {

using namespace std::chrono_literals;

namespace {

/// Who is refused waits this long for it, so that clients do not come back at once (`protocol/core.md §6`).
constexpr spi::Duration kRefusalDelay = 1s;
/// Between two lines in the log about one point.
constexpr spi::Duration kTellEvery = 10s;

}  // namespace

void Budget::set(const Rule& rule) noexcept {
    if (rule.period != rule_.period) {
        slots_ = {};
        sum_ = 0;
        slot_ = 0;
    }
    rule_ = rule;
}

void Budget::rotate(spi::Duration now) noexcept {
    const std::int64_t newest = now / (rule_.period / kSlots);
    for (const std::int64_t end = std::min(newest, slot_ + kSlots); slot_ < end;) {
        std::int64_t& oldest = slots_[static_cast<std::size_t>(++slot_ % kSlots)];
        sum_ -= std::exchange(oldest, 0);
    }
    slot_ = std::max(slot_, newest);
}

Budget::Answer Budget::take(spi::Duration now, const Brake& brake) noexcept {
    if (!rule_.is_limit()) {
        return {};
    }
    rotate(now);
    Answer answer{.over = sum_ + 1 > rule_.max_count};
    if (answer.over && rule_.intercept) {
        return answer;
    }
    ++slots_[static_cast<std::size_t>(slot_ % kSlots)];
    ++sum_;
    const double share = static_cast<double>(sum_) / static_cast<double>(std::max<std::int64_t>(rule_.max_count, 1));
    if (rule_.intercept && share > brake.from && brake.from < 1) {
        // From nothing at the begin of the last stretch to the longest at the limit.
        const double way = (share - brake.from) / (1 - brake.from);
        answer.delay = spi::Duration(
            static_cast<spi::Duration::rep>(std::min(way, 1.0) * static_cast<double>(brake.longest.count())));
    }
    return answer;
}

std::int64_t Budget::count(spi::Duration now) noexcept {
    rotate(now);
    return sum_;
}

Point::Point(std::string name, const spi::Clock& clock, spi::Metrics& metrics, spi::Log& log, Brake brake, Point* wider)
    : name_(std::move(name)),
      clock_(clock),
      log_(log),
      brake_(brake),
      wider_(wider),
      admitted_(metrics.counter("pharos_control_requests_total", "Requests at limited points, by what became of them.",
                                {{"point", name_}, {"outcome", "admitted"}})),
      delayed_(metrics.counter("pharos_control_requests_total", "Requests at limited points, by what became of them.",
                               {{"point", name_}, {"outcome", "delayed"}})),
      refused_(metrics.counter("pharos_control_requests_total", "Requests at limited points, by what became of them.",
                               {{"point", name_}, {"outcome", "refused"}})),
      over_(metrics.counter("pharos_control_requests_total", "Requests at limited points, by what became of them.",
                            {{"point", name_}, {"outcome", "monitored"}})) {}

spi::Verdict Point::admit(const spi::LimitedCaller& caller) noexcept {
    spi::Verdict own = take(caller);
    if (wider_ == nullptr || !own.status) {
        return own;
    }
    spi::Verdict all = wider_->take(caller);
    if (all.status) {
        all.delay = std::max(all.delay, own.delay);
    }
    return all;
}

spi::Verdict Point::take(const spi::LimitedCaller& caller) noexcept {
    if (!is_limited_.load(std::memory_order_acquire)) {
        return {};
    }
    const spi::Duration now = clock_.steady();
    const bool is_http = caller.connection_id.empty();
    std::unique_lock lock(mutex_);
    // Over HTTP the narrower rule comes first: what it refuses is not counted by the wider one.
    Budget::Answer answer;
    const Rule* over = nullptr;
    for (Budget* const budget : {is_http ? &http_ : nullptr, &all_}) {
        if (budget == nullptr || (answer.over && over->intercept)) {
            continue;
        }
        const Budget::Answer one = budget->take(now, brake_);
        answer.delay = std::max(answer.delay, one.delay);
        if (one.over) {
            answer.over = true;
            over = &budget->rule();
        }
    }
    if (!answer.over) {
        lock.unlock();
        (answer.delay.count() > 0 ? delayed_ : admitted_).add();
        return {.delay = answer.delay};
    }
    const Rule rule = *over;
    const bool tell = now - told_ >= kTellEvery;
    if (tell) {
        told_ = now;
    }
    lock.unlock();
    (rule.intercept ? refused_ : over_).add();
    if (tell) {
        log_.warn("over the limit", spi::kv("point", name_), spi::kv("max", rule.max_count),
                  spi::kv("period", period_name(rule.period)), spi::kv("client", caller.client_ip),
                  spi::kv("app", caller.app), spi::kv("refused", rule.intercept));
    }
    if (!rule.intercept) {
        return {.delay = answer.delay};
    }
    return {.status = {spi::Code::kUnavailable, "tps over limit :" + std::to_string(rule.max_count)},
            .delay = kRefusalDelay};
}

void Point::set(Of of, const Rule& rule) {
    const std::lock_guard lock(mutex_);
    budget(of).set(rule);
    is_limited_.store(all_.rule().is_limit() || http_.rule().is_limit(), std::memory_order_release);
}

Rule Point::rule(Of of) const {
    const std::lock_guard lock(mutex_);
    return of == Of::kAll ? all_.rule() : http_.rule();
}

std::int64_t Point::count(Of of) {
    const std::lock_guard lock(mutex_);
    return budget(of).count(clock_.steady());
}

}  // namespace pharos::control
