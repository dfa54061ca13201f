#include "beat/heartbeats.hpp"

#include <utility>
#include <vector>

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

Heartbeats::Rules Heartbeats::rules_of(const Service& service, const Instance& instance) const {
    const SnapshotPtr shown = service.snapshot();
    const InstanceOverride* const set =
        shown->overrides() == nullptr ? nullptr : shown->find_override(instance.ip, instance.port, instance.cluster);
    const bool by_service = shown->metadata() != nullptr && says_yes(shown->metadata()->data);
    const auto rules = [&](const Metadata& metadata) {
        return Rules{beat_times_of(metadata, std::chrono::milliseconds(switches_.current()->client_beat_interval)),
                     by_service || says_yes(metadata)};
    };
    return rules(set == nullptr ? instance.metadata : merge(instance, *set).metadata);
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
    const BeatTimes times = beat_times_of(instance.metadata);
    auto publication = std::make_shared<Publication>();
    publication->hosts.push_back(std::make_shared<const Host>(std::move(instance), key));
    registry_.publish(client, key, std::move(publication),
                      [this, times, done = std::move(done)](const TiePtr& tie) mutable {
                          if (tie != nullptr) {
                              const spi::Duration begin = now();
                              tie->last_beat.store(begin.count(), std::memory_order_relaxed);
                              watch({begin + std::min(times.unhealthy_after, times.removed_after) + 1ms, tie});
                          }
                          done(tie);
                      });
}

void Heartbeats::deregister_instance(const ServiceKey& key, const std::string& ip, std::uint16_t port,
                                     Registry::Done done) {
    const ClientPtr client = registry_.find_ip_port(ip, port);
    const TiePtr tie = client == nullptr ? nullptr : registry_.find_tie(client, key);
    const PublicationPtr publication = tie == nullptr ? nullptr : tie->publication.load();
    if (publication != nullptr) {
        // First the tombstone: a beat in between must find one or the other.
        const BeatTimes times = beat_times_of(publication->hosts.front()->instance().metadata);
        tombstones_.put(key, ip, port, now() + std::min<spi::Duration>(times.unhealthy_after, kLongestTombstone));
        arm_tombstones();
    }
    if (client == nullptr) {
        done(nullptr);
    } else {
        registry_.withdraw(client, key, std::move(done));
    }
}

void Heartbeats::beat(const ServiceKey& key, Instance instance, bool is_light, spi::Completion<BeatAnswer> done) {
    const ClientPtr client = registry_.find_ip_port(instance.ip, instance.port);
    const TiePtr tie = client == nullptr ? nullptr : registry_.find_tie(client, key);
    const PublicationPtr publication = tie == nullptr ? nullptr : tie->publication.load();
    if (publication != nullptr) {
        const Instance& known = publication->hosts.front()->instance();
        tie->last_beat.store(now().count(), std::memory_order_relaxed);
        if (!known.healthy) {
            registry_.replace(tie, publication, with_health(*tie, *publication, true));
        }
        done(BeatAnswer{BeatAnswer::kOk, beat_times_of(known.metadata).interval.count()});
        return;
    }
    const std::int64_t interval = beat_times_of(instance.metadata).interval.count();
    if (tombstones_.holds(key, instance.ip, instance.port, now())) {
        done(BeatAnswer{BeatAnswer::kOk, interval});
    } else if (is_light) {
        done(BeatAnswer{BeatAnswer::kRegisterAgain, interval});
    } else if (std::optional<std::string> wrong = check_instance(instance)) {
        done(spi::Status(spi::Code::kInvalidArgument, std::move(*wrong)));
    } else {
        publish(key, std::move(instance), [interval, done = std::move(done)](const TiePtr& made) mutable {
            if (made != nullptr) {
                done(BeatAnswer{BeatAnswer::kOk, interval});
            } else {
                done(BeatAnswer{BeatAnswer::kRegisterAgain, interval});
            }
        });
    }
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
    const BeatTimes times = beat_times_of(instance.metadata);
    const spi::Duration last(tie->last_beat.load(std::memory_order_relaxed));
    const spi::Duration silent = time - last;
    if (silent > times.removed_after) {
        registry_.replace(tie, publication, nullptr);
        return std::nullopt;
    }
    const bool sick = silent > times.unhealthy_after;
    if (sick && instance.healthy) {
        registry_.replace(tie, publication, with_health(*tie, *publication, false));
    }
    // A little later than the limit, which must have been exceeded.
    return last + (sick ? times.removed_after : std::min(times.unhealthy_after, times.removed_after)) + 1ms;
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
