#include "engine/engine.hpp"

#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <pharos/sdk/gate.hpp>

#include "engine/due_ring.hpp"
#include "engine/flights.hpp"
#include "engine/lag.hpp"
#include "engine/pace.hpp"
#include "engine/reason.hpp"
#include "engine/target.hpp"
#include "engine/turn_log.hpp"
#include "engine/types.hpp"

namespace pharos::health {

namespace {

using namespace std::chrono_literals;

/// Of a whole probe.
constexpr spi::Duration kProbeTimeout = 500ms;
/// How much later an answer may come, and Lag::slack() on top: probes end by themselves, and what they report is better
/// than "no answer".
constexpr spi::Duration kGrace = 250ms;
/// While probes are under way a timer is due at least this often, so that it shows when this node stands still.
constexpr spi::Duration kLookout = 100ms;
/// Failures in a row that may be laid to this node's own lateness: who is silent fails on a busy node too.
constexpr std::uint8_t kMostExcused = 3;
/// Before the first probe of a target, at least; something random comes on top.
constexpr spi::Duration kFirstDelay = 2s;
/// With more targets that wait for their first probe, first probes are spread evenly: all at once after a start.
constexpr std::size_t kManyNew = 1000;
/// Share of an interval by which it varies, so that targets that were probed together do not stay together.
constexpr double kJitter = 0.025;
/// Weight of the newest value in the average lateness.
constexpr double kNewest = 1.0 / 64;

}  // namespace

class Engine::Core : public std::enable_shared_from_this<Engine::Core> {
public:
    Core(const spi::ServiceRegistry& services, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log,
         Options options)
        : executors_(executors),
          log_(log),
          turn_log_(log),
          types_(services, metrics),
          max_in_flight_(std::max<std::size_t>(options.max_in_flight, 1)),
          max_rate_(static_cast<std::int64_t>(std::max<std::size_t>(options.max_rate, 1))),
          ring_(executors.clock().steady()),
          random_(options.seed) {}

    void add_gauges(spi::Metrics& metrics) {
        const auto gauge = [&](const char* name, const char* help, auto read) {
            gauges_.push_back(metrics.gauge(name, help, {}, [weak = weak_from_this(), read] {
                const std::shared_ptr<Core> core = weak.lock();
                if (core == nullptr) {
                    return 0.0;
                }
                std::lock_guard lock(core->mutex_);
                return read(*core);
            }));
        };
        gauge("pharos_health_in_flight", "Probes under way.",
              [](const Core& core) { return static_cast<double>(core.flights_.size()); });
        gauge("pharos_health_waiting", "Targets that are due and wait for probes under way to end.",
              [](const Core& core) { return static_cast<double>(core.waiting_); });
        gauge("pharos_health_lateness_seconds", "How late probes have begun lately, on average.",
              [](const Core& core) { return core.lateness_; });
    }

    void prepare(std::string_view type) { static_cast<void>(types_.check(type, {})); }

    // ---- what a watch asks for

    TargetPtr add(spi::CheckTarget wanted, OnChange on_change) {
        auto target = std::make_shared<Target>();
        target->check = types_.check(wanted.type, wanted.settings);
        target->name = std::move(wanted.name);
        target->ip = std::move(wanted.ip);
        target->port = wanted.port;
        target->healthy = wanted.healthy;
        target->on_change = std::move(on_change);
        std::lock_guard lock(mutex_);
        count(*target, 1);
        plan_first(*target);
        return target;
    }

    void update(Target& target, spi::CheckTarget wanted) {
        CheckPtr check = types_.check(wanted.type, wanted.settings);
        std::lock_guard lock(mutex_);
        count(target, -1);
        target.name = std::move(wanted.name);
        if (wanted.healthy != target.healthy) {
            believe(target, wanted.healthy);
        }
        if (target.check != check || target.ip != wanted.ip || target.port != wanted.port) {
            const bool was_probed = target.check->probe != nullptr;
            forget_flight(target);
            unqueue(target);
            target.check.swap(check);
            target.ip = std::move(wanted.ip);
            target.port = wanted.port;
            target.turned = false;
            target.in_a_row = 0;
            target.excused = 0;
            target.probed_at_ms = 0;
            target.outcome = Outcome::kPassed;
            target.reason.clear();
            target.took = {};
            if (settle_first(target) || !was_probed) {
                plan_first(target);
            } else if (target.check->probe != nullptr) {
                plan(target, executors_.clock().steady());
            }
        }
        count(target, 1);
    }

    void assume(Target& target, bool healthy) {
        std::lock_guard lock(mutex_);
        count(target, -1);
        believe(target, healthy);
        count(target, 1);
    }

    [[nodiscard]] spi::LastProbe last(const Target& target) const {
        std::lock_guard lock(mutex_);
        spi::LastProbe last;
        last.interval = target.interval;
        if (target.probed_at_ms != 0) {
            last.at_ms = target.probed_at_ms;
            last.result = {target.outcome, target.reason};
            last.took = target.took;
            last.in_a_row = target.outcome == Outcome::kNotProbed ? 0 : target.in_a_row;
            return last;
        }
        last.result.outcome = Outcome::kNotProbed;
        last.result.reason = target.check->probe == nullptr ? target.check->why_not
                             : !policy_.enabled             ? "health checks are switched off"
                                                            : "not probed yet";
        return last;
    }

    void remove(Target& target) {
        OnChange dropped;  // destroyed without the lock: it may own anything
        std::unique_lock lock(mutex_);
        target.removed = true;
        forget_flight(target);
        unqueue(target);
        count(target, -1);
        settle_first(target);
        call_ended_.wait(lock, [&target] { return !target.in_call; });
        dropped = std::move(target.on_change);
    }

    // ---- what the engine is asked for

    void set_policy(spi::HealthPolicy policy) {
        policy.times = std::max(policy.times, 1u);
        policy.tcp = sane(policy.tcp);
        policy.http = sane(policy.http);
        std::lock_guard lock(mutex_);
        policy_ = policy;
    }

    bool stop(spi::Duration patience) {
        spi::TimerId timer = 0;
        {
            std::lock_guard lock(mutex_);
            stopped_ = true;
            timer = std::exchange(timer_, 0);
        }
        if (timer != 0) {
            executors_.timers().cancel(timer);
        }
        gauges_.clear();
        types_.stop();
        return gate_.close(patience);
    }

private:
    void count(const Target& target, std::int64_t by) noexcept {
        probed_ += target.check->probe != nullptr ? by : 0;
        target.check->type->targets[target.state()].fetch_add(by, std::memory_order_relaxed);
    }

    /// What was probed before somebody said the opposite does not speak against it.
    static void believe(Target& target, bool healthy) noexcept {
        target.healthy = healthy;
        target.turned = false;
        if (target.passing != healthy) {
            target.in_a_row = 0;
        }
    }

    /// A number from 0 to below `end`.
    spi::Duration random_below(spi::Duration end) {
        if (end.count() <= 1) {
            return {};
        }
        return spi::Duration(std::uniform_int_distribution<spi::Duration::rep>(0, end.count() - 1)(random_));
    }

    /// For a target that has not been probed before.
    void plan_first(Target& target) {
        const spi::Duration spread = policy_.tcp.max;
        // As there, where most come early; evenly when early would be all at once.
        target.interval = kFirstDelay + random_below(new_ > kManyNew ? spread : random_below(spread));
        if (target.check->probe != nullptr) {
            target.awaits_first = true;
            ++new_;
            arm(ring_.add(target, executors_.clock().steady() + target.interval));
        }
    }

    /// Whether it waited for its first probe.
    bool settle_first(Target& target) noexcept {
        const bool waited = std::exchange(target.awaits_first, false);
        new_ -= waited ? 1 : 0;
        return waited;
    }

    void plan(Target& target, spi::Duration now) {
        const auto interval = static_cast<double>(target.interval.count());
        const double jitter = std::uniform_real_distribution<double>(-kJitter, kJitter)(random_);
        arm(ring_.add(target, now + spi::Duration(static_cast<spi::Duration::rep>(interval * (1 + jitter)))));
    }

    /// The pace of a type, at which all targets together are probed at no more than the greatest rate.
    [[nodiscard]] spi::ProbePace pace_of(const Type& type) const noexcept {
        spi::ProbePace pace = type.has_http_pace ? policy_.http : policy_.tcp;
        const spi::Duration share = 1s * probed_ / max_rate_;
        pace.min = std::clamp(share, pace.min, pace.max);
        return pace;
    }

    /// Has the pump run at that time, if it would not do so before.
    void arm(spi::Duration at) {
        if (stopped_ || at >= armed_for_) {
            return;
        }
        // The hand of a ring that was empty has stood still: what it met in the past is due now, and is not late.
        const spi::Duration now = executors_.clock().steady();
        at = std::max(at, now);
        if (at >= armed_for_) {
            return;
        }
        if (timer_ != 0) {
            executors_.timers().cancel(timer_);
        }
        armed_for_ = at;
        timer_ = executors_.timers().after(at - now, [self = shared_from_this(), at] {
            const sdk::Gate::Pass pass = self->gate_.enter();
            std::lock_guard lock(self->mutex_);
            if (pass && self->armed_for_ == at) {
                self->timer_ = 0;
                self->post_pump();
            }
        });
    }

    void post_pump() {
        if (!std::exchange(pump_posted_, true)) {
            executors_.work().post([self = shared_from_this()] { self->pump(); });
        }
    }

    /// Ends what is overdue and begins what is due and has room. On a work thread.
    void pump() {
        const sdk::Gate::Pass pass = gate_.enter();
        if (!pass) {
            return;
        }
        std::vector<Start> starts;
        std::vector<Turn> turns;
        spi::Duration now{0};
        {
            std::lock_guard lock(mutex_);
            pump_posted_ = false;
            now = executors_.clock().steady();
            if (timer_ == 0 && armed_for_ != spi::Duration::max()) {  // it has fired
                lag_.note(now, now - armed_for_);
                armed_for_ = spi::Duration::max();
            }
            if (now >= lag_.judge_from()) {
                end_overdue(now, turns);
            }
            take_due(now);
            begin_waiting(now, starts);
            if (const auto next = ring_.next()) {
                arm(*next);
            }
            if (const auto oldest = flights_.oldest()) {
                const spi::Duration overdue_at = flights_[*oldest].began + patience(now);
                arm(std::min(std::max(overdue_at, lag_.judge_from()), now + kLookout));
            }
        }
        for (Start& start : starts) {
            run(std::move(start));
        }
        tell(turns, now);
    }

    /// How long an answer is awaited.
    [[nodiscard]] spi::Duration patience(spi::Duration now) const noexcept {
        return kProbeTimeout + kGrace + lag_.slack(now);
    }

    /// Whether this node was behind while the probe was under way, or is.
    [[nodiscard]] bool was_behind(const Flight& flight, spi::Duration now) const noexcept {
        return lag_.was_behind_after(flight.began) || now - armed_for_ > Lag::kTolerated;
    }

    void take_due(spi::Duration now) {
        Queue due;
        ring_.take(now, due);
        while (!due.empty()) {
            auto& target = static_cast<Target&>(due.front());
            due.pop_front();
            if (!policy_.enabled) {
                plan(target, now);
            } else if (target.flight != kNone) {
                // Still running: left out, and half as often from now on.
                target.interval = next_interval(pace_of(*target.check->type), target.interval, 2 * target.interval);
                plan(target, now);
            } else {
                Type& type = *target.check->type;
                if (type.waiting.empty()) {
                    types_waiting_.push_back(&type);
                }
                type.waiting.push_back(target);
                target.waiting = true;
                ++waiting_;
            }
        }
    }

    /// Out of the ring or of the queue of its type.
    void unqueue(Target& target) noexcept {
        target.leave();
        if (std::exchange(target.waiting, false)) {
            --waiting_;
            if (target.check->type->waiting.empty()) {
                std::erase(types_waiting_, target.check->type);
            }
        }
    }

    void begin_waiting(spi::Duration now, std::vector<Start>& starts) {
        while (flights_.size() < max_in_flight_ && !types_waiting_.empty()) {
            const auto fewest =
                std::min_element(types_waiting_.begin(), types_waiting_.end(),
                                 [](const Type* a, const Type* b) { return a->in_flight < b->in_flight; });
            Type& type = **fewest;
            auto& target = static_cast<Target&>(type.waiting.front());
            unqueue(target);
            starts.push_back(begin(target, type, now));
        }
    }

    Start begin(Target& target, Type& type, spi::Duration now) {
        const Flights::Ticket ticket = flights_.begin({&target, &type, now});
        ++type.in_flight;
        settle_first(target);
        target.flight = ticket.slot;
        target.lateness = now - target.due;
        lateness_ += (std::chrono::duration<double>(target.lateness).count() - lateness_) * kNewest;
        plan(target, now);
        return {target.check, target.ip, target.port, ticket};
    }

    /// Begins the probe. Without the mutex.
    void run(Start start) {
        spi::Probe& probe = *start.check->probe;
        const spi::ProbeTarget target{start.ip, start.port, kProbeTimeout};
        probe.run(target, [self = shared_from_this(), check = std::move(start.check), ticket = start.ticket](
                              spi::ProbeResult result) { self->answered(*check->type, ticket, std::move(result)); });
    }

    /// Any thread, possibly in run(), and as often as the provider of the type likes.
    void answered(Type& type, Flights::Ticket ticket, spi::ProbeResult result) {
        std::vector<Turn> turns;
        bool expected = true;
        result.reason = presentable(std::move(result.reason));
        const spi::Duration now = executors_.clock().steady();
        {
            std::lock_guard lock(mutex_);
            if (stopped_) {
                return;
            }
            expected = flights_.is_under_way(ticket);
            if (expected) {
                end_flight(ticket.slot, std::move(result), now, turns);
                if (!types_waiting_.empty()) {
                    post_pump();
                }
            }
        }
        if (!expected && !type.told_of_repeats.exchange(true)) {
            log_.warn("health check answers too late or twice; its answers are ignored", spi::kv("type", type.name));
        }
        tell(turns, now);
    }

    void end_overdue(spi::Duration now, std::vector<Turn>& turns) {
        for (auto oldest = flights_.oldest(); oldest && now - flights_[*oldest].began >= patience(now);
             oldest = flights_.oldest()) {
            Type& type = *flights_[*oldest].type;
            if (!was_behind(flights_[*oldest], now)) {
                type.silent->add();
                if (!type.told_of_silence.exchange(true)) {
                    log_.warn("health check does not answer in time; its targets count as failed",
                              spi::kv("type", type.name));
                }
            }
            end_flight(*oldest, {Outcome::kFailed, "the check '" + type.name + "' gave no answer"}, now, turns);
        }
    }

    void end_flight(std::uint32_t slot, spi::ProbeResult result, spi::Duration now, std::vector<Turn>& turns) {
        const Flight flight = flights_.end(slot);
        Target* const target = flight.target;
        --flight.type->in_flight;
        if (result.outcome > Outcome::kNotProbed) {
            result.outcome = Outcome::kNotProbed;  // of a later version
        }
        if (target != nullptr) {
            excuse(*target, flight, result, now);
        }
        flight.type->outcomes[static_cast<std::size_t>(result.outcome)]->add();
        if (target != nullptr) {
            target->flight = kNone;
            take_result(*target, std::move(result), now - flight.began, turns);
        }
    }

    /// A time that ran out proves nothing against the target when this node was behind meanwhile: part of that time was
    /// our own. Such a failure changes nothing, as whatever could not be probed: it is no success either, for nobody
    /// has heard of the target. What was heard counts whenever it comes. A refusal or a status is the target's word;
    /// and a connection or an answer does not come about by our lateness: at worst it took longer than it should have,
    /// which nobody can tell apart, and not to believe it would keep out who is well again for as long as the node is
    /// busy.
    void excuse(Target& target, const Flight& flight, spi::ProbeResult& result, spi::Duration now) const {
        const bool ran_out = result.outcome == Outcome::kFailed && now - flight.began >= kProbeTimeout;
        if (ran_out && was_behind(flight, now) && target.excused < kMostExcused) {
            ++target.excused;
            result.outcome = Outcome::kNotProbed;
            result.reason += "; not counted, as this node was late itself";
        }
    }

    void take_result(Target& target, spi::ProbeResult result, spi::Duration took, std::vector<Turn>& turns) {
        const spi::ProbePace pace = pace_of(*target.check->type);
        if (!policy_.enabled) {
            return;
        }
        target.probed_at_ms = executors_.clock().wall_ms();
        target.took = took;
        target.outcome = result.outcome;
        target.reason = std::move(result.reason);
        if (result.outcome == Outcome::kNotProbed) {
            return;
        }
        // With what it had to wait for a slot or a processor: a busy node probes less often.
        const spi::Duration waited = target.lateness + took;
        target.interval = next_interval(pace, target.interval, cost_of(result.outcome, pace, target.interval, waited));

        const bool passed = result.outcome == Outcome::kPassed;
        target.excused = passed ? 0 : target.excused;
        if (passed != target.passing || target.in_a_row == 0) {
            target.passing = passed;
            target.in_a_row = 0;
            target.turned = false;
        }
        ++target.in_a_row;
        if (passed == target.healthy) {
            return;
        }
        const bool enough = target.in_a_row >= policy_.times || result.outcome == Outcome::kFailedNow;
        if (!target.turned && !enough) {
            return;
        }
        if (!std::exchange(target.turned, true)) {
            turns.push_back({target.name, passed, target.reason});
        }
        if (!std::exchange(target.call_queued, true)) {
            executors_.work().post(
                [self = shared_from_this(), kept = target.shared_from_this()] { self->call(*kept); });
        }
    }

    /// Tells of a target that has turned, unless that was settled meanwhile. On a work thread.
    void call(Target& target) {
        const sdk::Gate::Pass pass = gate_.enter();
        std::unique_lock lock(mutex_);
        target.call_queued = false;
        if (!pass || !policy_.enabled || target.removed || !target.turned || target.in_call) {
            return;
        }
        target.in_call = true;
        const bool healthy = target.passing;
        const std::string reason = target.reason;
        lock.unlock();
        target.on_change(healthy, reason);
        lock.lock();
        target.in_call = false;
        if (target.removed) {
            call_ended_.notify_all();
        }
    }

    void forget_flight(Target& target) noexcept {
        if (target.flight != kNone) {
            flights_.abandon(std::exchange(target.flight, kNone));
        }
    }

    void tell(const std::vector<Turn>& turns, spi::Duration now) {
        for (const Turn& turn : turns) {
            turn_log_.turned(turn.name, turn.healthy, turn.reason, now);
        }
    }

    spi::Executors& executors_;
    spi::Log& log_;
    TurnLog turn_log_;
    Types types_;
    const std::size_t max_in_flight_;
    const std::int64_t max_rate_;
    std::vector<spi::Registration> gauges_;
    sdk::Gate gate_;

    mutable std::mutex mutex_;  ///< guards what follows
    std::condition_variable call_ended_;
    spi::HealthPolicy policy_;
    DueRing ring_;
    std::vector<Type*> types_waiting_;  ///< those with targets in their queue
    std::size_t waiting_ = 0;           ///< targets in these queues
    Flights flights_;
    std::size_t new_ = 0;      ///< targets that wait for their first probe
    std::int64_t probed_ = 0;  ///< targets whose type has probes
    double lateness_ = 0;      ///< seconds
    std::mt19937_64 random_;
    spi::TimerId timer_ = 0;
    spi::Duration armed_for_ = spi::Duration::max();
    Lag lag_;
    bool pump_posted_ = false;
    bool stopped_ = false;
};

class Engine::Watch final : public spi::HealthWatch {
public:
    Watch(std::shared_ptr<Core> core, TargetPtr target) : core_(std::move(core)), target_(std::move(target)) {}
    ~Watch() override { core_->remove(*target_); }

    void update(spi::CheckTarget target) noexcept override { core_->update(*target_, std::move(target)); }
    void assume(bool healthy) noexcept override { core_->assume(*target_, healthy); }
    [[nodiscard]] spi::LastProbe last() const noexcept override { return core_->last(*target_); }

private:
    const std::shared_ptr<Core> core_;
    const TargetPtr target_;
};

Engine::Engine(const spi::ServiceRegistry& services, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log,
               Options options)
    : core_(std::make_shared<Core>(services, executors, metrics, log, options)) {
    core_->add_gauges(metrics);
}

Engine::~Engine() = default;

std::unique_ptr<spi::HealthWatch> Engine::watch(spi::CheckTarget target, OnChange on_change) noexcept {
    return std::make_unique<Watch>(core_, core_->add(std::move(target), std::move(on_change)));
}

void Engine::set_policy(const spi::HealthPolicy& policy) noexcept { core_->set_policy(policy); }

void Engine::prepare(std::string_view type) noexcept { core_->prepare(type); }

bool Engine::stop(spi::Duration patience) noexcept { return core_->stop(patience); }

}  // namespace pharos::health
