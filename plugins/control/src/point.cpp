#include "point.hpp"

namespace pharos::control {

using namespace std::chrono_literals;

namespace {

/// Who is refused waits this long for it, so that clients do not come back at once (`protocol/core.md §6`).
constexpr spi::Duration kRefusalDelay = 1s;
/// Between two lines in the log about one point.
constexpr spi::Duration kTellEvery = 10s;

}  // namespace

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
    spi::Verdict own = take(caller, spi::Duration(0));
    return wider_ == nullptr || !own.status ? own : wider_->take(caller, own.delay);
}

spi::Verdict Point::take(const spi::LimitedCaller& caller, spi::Duration delay) noexcept {
    if (!is_limited_.load(std::memory_order_acquire)) {
        return {.delay = delay};
    }
    const spi::Duration now = clock_.steady();
    const bool is_http = caller.connection_id.empty();
    std::unique_lock lock(mutex_);
    // Over HTTP the narrower rule comes first: what it refuses is not counted by the wider one.
    Budget::Answer answer{.delay = delay};
    const Rule* over = nullptr;
    for (Budget* const budget : {is_http ? &http_ : nullptr, &all_}) {
        if (budget == nullptr || (answer.over && over->intercept)) {
            continue;
        }
        const Budget::Answer one = budget->take(now, answer.delay, brake_);
        answer.delay = one.delay;
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
