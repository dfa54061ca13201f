#include "beat/heartbeats.hpp"

#include <utility>

namespace pharos::naming {

PublicationPtr Heartbeats::with_health(const Tie& tie, const Publication& publication, bool healthy) {
    Instance changed = publication.hosts.front()->instance();
    changed.healthy = healthy;
    auto next = std::make_shared<Publication>();
    next->hosts.push_back(std::make_shared<const Host>(std::move(changed), tie.service->key()));
    return next;
}

void Heartbeats::register_instance(const ServiceKey& key, Instance instance, Registry::Done done) {
    const ClientPtr client = registry_.ip_port_client(instance.ip, instance.port);
    const BeatTimes times = beat_times_of(instance.metadata);
    auto publication = std::make_shared<Publication>();
    publication->hosts.push_back(std::make_shared<const Host>(std::move(instance), key));
    registry_.publish(client, key, std::move(publication),
                      [this, times, done = std::move(done)](const spi::Result<TiePtr>& outcome) mutable {
                          if (outcome) {
                              const TiePtr& tie = outcome.value();
                              tie->last_beat.store(executors_.clock().steady().count(), std::memory_order_relaxed);
                              watch(tie, times.unhealthy_after);
                          }
                          done(outcome);
                      });
}

bool Heartbeats::beat(const ServiceKey& key, const std::string& ip, std::uint16_t port) {
    const ClientPtr client = registry_.find_ip_port(ip, port);
    const TiePtr tie = client == nullptr ? nullptr : registry_.find_tie(client, key);
    const PublicationPtr publication = tie == nullptr ? nullptr : tie->publication.load();
    if (publication == nullptr) {
        return false;
    }
    client->touch(executors_.clock().steady());
    tie->last_beat.store(executors_.clock().steady().count(), std::memory_order_relaxed);
    if (!publication->hosts.front()->instance().healthy) {
        registry_.replace(tie, publication, with_health(*tie, *publication, true));
    }
    return true;
}

void Heartbeats::watch(const TiePtr& tie, spi::Duration delay) {
    if (tie->watched.exchange(true, std::memory_order_acq_rel)) {
        return;
    }
    executors_.timers().after(delay, [this, tie] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, tie, pass = std::move(pass)] { check(tie); });
        }
    });
}

void Heartbeats::check(const TiePtr& tie) {
    // First let go, then look: whoever publishes in between arms the timer himself.
    tie->watched.store(false, std::memory_order_release);
    const PublicationPtr publication = tie->publication.load();
    if (publication == nullptr) {
        return;
    }
    const Instance& instance = publication->hosts.front()->instance();
    const BeatTimes times = beat_times_of(instance.metadata);
    const spi::Duration silent =
        executors_.clock().steady() - spi::Duration(tie->last_beat.load(std::memory_order_relaxed));
    if (silent > times.removed_after) {
        registry_.replace(tie, publication, nullptr);
        return;
    }
    const bool sick = silent > times.unhealthy_after;
    if (sick && instance.healthy) {
        registry_.replace(tie, publication, with_health(*tie, *publication, false));
    }
    // A little later than the limit, which must have been exceeded.
    watch(tie, (sick ? times.removed_after : times.unhealthy_after) - silent + std::chrono::milliseconds(1));
}

}  // namespace pharos::naming
