#include "beat/heartbeats.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/protocol/params.hpp>

namespace pharos::naming {

namespace {

using namespace std::chrono_literals;

/// How long a late beat may be late, at most.
constexpr spi::Duration kLongestTombstone = 60s;
constexpr spi::Duration kTombstoneSweep = 15s;
/// A check that comes later than this says that the node itself stood still (stopped, suspended): beats that were sent
/// meanwhile have not been read yet.
constexpr spi::Duration kStoodStill = 2s;
/// How long such a node hears before it judges.
constexpr spi::Duration kHearFirst = 6s;
/// Whom silence does not change is looked at again after this time: the reason may be gone.
constexpr spi::Duration kLookAgain = 5s;

constexpr std::string_view kNeverExpires = "enableClientBeat";  // sic (`protocol/naming.md §4.1`, trap 48)

/// After this silence something happens, if not before the next beat.
spi::Duration first_limit(const BeatTimes& times) { return std::min(times.unhealthy_after, times.removed_after) + 1ms; }

bool says_yes(const Metadata& metadata) {
    const std::optional<std::string_view> value = find_value(metadata, kNeverExpires);
    return value && protocol::word_is_true(*value);
}

}  // namespace

Heartbeats::Heartbeats(Registry& registry, const Switches& switches, spi::Executors& executors, Options options)
    : registry_(registry),
      switches_(switches),
      executors_(executors),
      options_(options),
      ring_(executors.clock().steady()) {}

Heartbeats::Rules Heartbeats::rules_of(const ServiceSnapshot* shown, const Instance& instance) const {
    const InstanceOverride* const set = shown == nullptr || shown->overrides() == nullptr
                                            ? nullptr
                                            : shown->find_override(instance.ip, instance.port, instance.cluster);
    BeatTimes defaults;
    defaults.interval = std::chrono::milliseconds(switches_.current()->client_beat_interval);
    const auto rules = [&](const Metadata& metadata) {
        return Rules{beat_times_of(metadata, defaults), says_yes(metadata)};
    };
    Rules found = rules(set == nullptr ? instance.metadata : merge(instance, *set).metadata);
    found.never_expires |= shown != nullptr && shown->metadata() != nullptr && says_yes(shown->metadata()->data);
    return found;
}

Heartbeats::Rules Heartbeats::rules_of(const Tie& tie, const Publication& publication) const {
    return rules_of(tie.service->snapshot().get(), publication.hosts.front()->instance());
}

PublicationPtr Heartbeats::with_health(const Tie& tie, const Publication& publication, bool healthy) {
    Instance changed = publication.hosts.front()->instance();
    changed.healthy = healthy;
    auto next = std::make_shared<Publication>();
    next->hosts.push_back(std::make_shared<const Host>(std::move(changed), tie.service->key()));
    return next;
}

void Heartbeats::register_instance(const ServiceKey& key, Instance instance, Registry::Done done) {
    tombstones_.remove(key, instance.ip, instance.port);
    publish(key, std::move(instance), std::move(done));
}

void Heartbeats::publish(const ServiceKey& key, Instance instance, Registry::Done done) {
    const ClientPtr client = registry_.ip_port_client(instance.ip, instance.port);
    client->touch(now());
    auto made = std::make_shared<Publication>();
    made->hosts.push_back(std::make_shared<const Host>(std::move(instance), key));
    const PublicationPtr publication = std::move(made);
    registry_.publish(client, key, publication,
                      [this, publication, done = std::move(done)](const spi::Result<TiePtr>& outcome) mutable {
                          if (outcome) {
                              const TiePtr& tie = outcome.value();
                              const spi::Duration time = now();
                              tie->last_beat.store(time.count(), std::memory_order_relaxed);
                              watch({time + first_limit(rules_of(*tie, *publication).times), tie});
                          }
                          done(outcome);
                      });
}

void Heartbeats::deregister_instance(const ServiceKey& key, const std::string& ip, std::uint16_t port,
                                     Registry::Done done) {
    const ClientPtr client = registry_.find_ip_port(ip, port);
    const TiePtr tie = client == nullptr ? nullptr : registry_.find_tie(client, key);
    const PublicationPtr publication = tie == nullptr ? nullptr : tie->publication.load();
    // Also of one that is not known, as after a restart. First the tombstone: a beat in between must find one or the
    // other.
    const spi::Duration timeout =
        publication == nullptr ? BeatTimes{}.unhealthy_after : rules_of(*tie, *publication).times.unhealthy_after;
    tombstones_.put(key, ip, port, now() + std::min(timeout, kLongestTombstone));
    arm_tombstones();
    registry_.withdraw(client, key, ip, port, std::move(done));
}

void Heartbeats::beat(const ServiceKey& key, Instance instance, bool is_light, spi::Completion<BeatAnswer> done) {
    const ClientPtr client = registry_.find_ip_port(instance.ip, instance.port);
    const TiePtr tie = client == nullptr ? nullptr : registry_.find_tie(client, key);
    if (const PublicationPtr publication = tie == nullptr ? nullptr : tie->publication.load()) {
        done(BeatAnswer{BeatAnswer::kOk, renew(tie, publication)});
        return;
    }
    const ServicePtr service = registry_.find(key);
    const SnapshotPtr shown = service == nullptr ? nullptr : service->snapshot();
    const std::int64_t interval = rules_of(shown.get(), instance).times.interval.count();
    if (tombstones_.holds(key, instance.ip, instance.port, now())) {
        done(BeatAnswer{BeatAnswer::kOk, interval});
    } else if (is_light) {
        done(BeatAnswer{BeatAnswer::kRegisterAgain, interval});
    } else if (std::optional<std::string> wrong = check_instance(instance)) {
        done(spi::Status(spi::Code::kInvalidArgument, std::move(*wrong)));
    } else {
        publish(key, std::move(instance),
                [interval, done = std::move(done)](const spi::Result<TiePtr>& outcome) mutable {
                    if (outcome) {
                        done(BeatAnswer{BeatAnswer::kOk, interval});
                    } else {
                        done(outcome.error());
                    }
                });
    }
}

std::int64_t Heartbeats::renew(const TiePtr& tie, const PublicationPtr& publication) {
    const spi::Duration time = now();
    const Rules rules = rules_of(*tie, *publication);
    tie->client->touch(time);
    tie->last_beat.store(time.count(), std::memory_order_relaxed);
    if (!publication->hosts.front()->instance().healthy) {
        registry_.replace(tie, publication, with_health(*tie, *publication, true));
        watch({time + first_limit(rules.times), tie});
    }
    return rules.times.interval.count();
}

void Heartbeats::watch(Due due) {
    std::lock_guard lock(mutex_);
    watch_locked(std::move(due));
    arm();
}

void Heartbeats::watch_locked(Due due) {
    spi::Duration& planned = due.tie->beat_due;
    if (planned == spi::Duration(0) || planned > due.at) {
        Tie& tie = *due.tie;
        tie.beat_due = ring_.add(due.at, std::move(due.tie));
    }
}

void Heartbeats::arm() {
    const std::optional<spi::Duration> next = ring_.next();
    if (!next || (armed_for_ && *armed_for_ <= *next)) {
        return;
    }
    if (armed_for_) {
        executors_.timers().cancel(timer_);
    }
    armed_for_ = next;
    timer_ = executors_.timers().after(*next - now(), [this, at = *next] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, at, pass = std::move(pass)] { check_due(at); });
        }
    });
}

void Heartbeats::check_due(spi::Duration armed_for) {
    const spi::Duration time = now();
    const bool stood_still = time - armed_for > kStoodStill;
    std::vector<TiePtr> due;
    {
        std::lock_guard lock(mutex_);
        if (armed_for_ != armed_for) {
            return;  // another timer has taken this one's place, too late to stop it
        }
        armed_for_.reset();
        due = ring_.take(time);
        // Registered again with a shorter time-out, an instance is in the ring twice: the earlier place counts.
        std::erase_if(due, [time](const TiePtr& tie) { return tie->beat_due > time; });
        for (const TiePtr& tie : due) {
            tie->beat_due = spi::Duration(0);
        }
    }
    std::vector<Due> again;
    again.reserve(due.size());
    for (TiePtr& tie : due) {
        const std::optional<spi::Duration> next = stood_still ? time + kHearFirst : check(tie, time);
        if (next) {
            again.push_back({*next, std::move(tie)});
        }
    }
    std::lock_guard lock(mutex_);
    for (Due& entry : again) {
        watch_locked(std::move(entry));
    }
    arm();
}

std::optional<spi::Duration> Heartbeats::check(const TiePtr& tie, spi::Duration time) {
    const PublicationPtr publication = tie->publication.load();
    if (publication == nullptr) {
        return std::nullopt;
    }
    const Instance& instance = publication->hosts.front()->instance();
    const Rules rules = rules_of(*tie, *publication);
    const spi::Duration last(tie->last_beat.load(std::memory_order_relaxed));
    const spi::Duration silent = time - last;
    const bool changes = switches_.health_check_enabled() && !rules.never_expires;
    if (changes && options_.expire && silent > rules.times.removed_after) {
        registry_.replace(tie, publication, nullptr);
        return std::nullopt;
    }
    const bool is_sick = silent > rules.times.unhealthy_after;
    if (changes && is_sick && instance.healthy) {
        registry_.replace(tie, publication, with_health(*tie, *publication, false));
    }
    // As long as the instance stays, its client does: silence is judged here.
    tie->client->touch(time);
    if (!changes) {
        return time + kLookAgain;
    }
    // A little later than the limit, which must have been exceeded.
    const spi::Duration next = last + (is_sick ? rules.times.removed_after + 1ms : first_limit(rules.times));
    return std::max(next, options_.expire ? next : time + kLookAgain);
}

void Heartbeats::arm_tombstones() {
    if (sweeping_.exchange(true)) {
        return;
    }
    executors_.timers().after(kTombstoneSweep, [this] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, pass = std::move(pass)] {
                sweeping_ = false;
                if (tombstones_.sweep(now()) != 0) {
                    arm_tombstones();
                }
            });
        }
    });
}

}  // namespace pharos::naming
