#include "persistent/health_probes.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

namespace pharos::naming {

namespace {

std::string address_of(const Instance& instance) { return instance.ip + ":" + std::to_string(instance.port); }

/// Without the brackets that an IPv6 address may be registered with.
std::string bare(std::string ip) {
    return ip.size() > 2 && ip.front() == '[' && ip.back() == ']' ? ip.substr(1, ip.size() - 2) : ip;
}

/// Names are not looked up: whom they mean would be somebody else's to say, and now another one than a while ago.
bool is_numeric(const std::string& ip) {
    unsigned char parsed[sizeof(in6_addr)];
    return inet_pton(AF_INET, ip.c_str(), parsed) == 1 || inet_pton(AF_INET6, ip.c_str(), parsed) == 1;
}

spi::CheckTarget target_of(const Service& service, const Instance& instance, const ClusterCheck& check) {
    return {.name = service.key().namespace_id + " " + service.grouped_name() + " " + instance.cluster + " " +
                    address_of(instance),
            .ip = bare(instance.ip),
            .port = check.other_port != 0 ? check.other_port : instance.port,
            .type = check.type,
            .settings = check.settings,
            .healthy = instance.healthy};
}

spi::ProbePace pace_of(const HealthParams& params) {
    return {.min = std::chrono::milliseconds(params.min),
            .max = std::chrono::milliseconds(std::max(params.min, params.max)),
            .factor = params.factor};
}

spi::HealthPolicy policy_of(const SwitchDomain& switches) {
    return {.enabled = switches.health_check_enabled,
            .times = static_cast<unsigned>(std::max(switches.check_times, 1)),
            .tcp = pace_of(switches.tcp_health_params),
            .http = pace_of(switches.http_health_params)};
}

}  // namespace

template <class OnLane>
void HealthProbes::on_lane(OnLane task) {
    if (sdk::Gate::Pass pass = gate_.enter()) {
        lane_.post([task = std::move(task), pass = std::move(pass)]() mutable { task(); });
    }
}

void HealthProbes::start(spi::HealthChecks* engine) {
    engine_ = engine;
    if (engine_ != nullptr) {
        engine_->set_policy(policy_of(*switches_.current()));
    }
}

void HealthProbes::stop(spi::Duration patience) noexcept {
    // The tasks first: nobody makes a watch while they end.
    if (gate_.close(patience)) {
        services_.clear();
    }
}

void HealthProbes::on_switches_changed() {
    // On the lane, so that the newest is told last.
    on_lane([this] {
        if (engine_ != nullptr) {
            engine_->set_policy(policy_of(*switches_.current()));
        }
    });
}

void HealthProbes::note(const ServicePtr& service) noexcept {
    if (!service->has_persistent() && !service->is_probed.load(std::memory_order_relaxed)) {
        return;
    }
    {
        std::lock_guard lock(mutex_);
        if (!stale_.insert(service).second) {
            return;
        }
    }
    on_lane([this] { review_stale(); });
}

void HealthProbes::review_stale() {
    std::set<ServicePtr> services;
    {
        std::lock_guard lock(mutex_);
        services.swap(stale_);
    }
    for (const ServicePtr& service : services) {
        review(service);
    }
}

void HealthProbes::review(const ServicePtr& service) {
    if (engine_ == nullptr) {
        return;
    }
    const SnapshotPtr snapshot = service->snapshot();
    Watched& watched = services_[service];
    renew_checks(watched, *snapshot);
    ++reviews_;
    for (const HostPtr& host : snapshot->hosts()) {
        const Instance& instance = host->instance();
        if (!instance.ephemeral) {
            Target& target = watched.targets[address_of(instance)];
            target.seen = reviews_;
            follow(service, instance, target, check_for(watched, instance.cluster));
        }
    }
    std::erase_if(watched.targets, [this](const auto& entry) { return entry.second.seen != reviews_; });
    const bool is_probed = !watched.targets.empty();
    service->is_probed.store(is_probed, std::memory_order_relaxed);
    if (!is_probed) {
        services_.erase(service);
    }
}

void HealthProbes::renew_checks(Watched& watched, const ServiceSnapshot& snapshot) {
    if (watched.metadata == snapshot.metadata()) {
        return;
    }
    watched.metadata = snapshot.metadata();
    for (auto& [cluster, check] : watched.checks) {
        // One that is the same stays the same: most changes of metadata are of something else.
        if (ClusterCheck now = check_of(watched.metadata.get(), cluster); now != *check) {
            check = std::make_shared<const ClusterCheck>(std::move(now));
        }
    }
}

const std::shared_ptr<const ClusterCheck>& HealthProbes::check_for(Watched& watched, const std::string& cluster) {
    std::shared_ptr<const ClusterCheck>& check = watched.checks[cluster];
    if (check == nullptr) {
        check = std::make_shared<const ClusterCheck>(check_of(watched.metadata.get(), cluster));
    }
    return check;
}

void HealthProbes::follow(const ServicePtr& service, const Instance& instance, Target& target,
                          const std::shared_ptr<const ClusterCheck>& check) {
    if (target.check == check && target.cluster == instance.cluster) {
        if (target.watch != nullptr && target.healthy != instance.healthy) {
            target.watch->assume(instance.healthy);
        }
    } else if (!check->is_probed() || !is_numeric(bare(instance.ip))) {
        target.watch.reset();
    } else if (target.watch != nullptr) {
        target.watch->update(target_of(*service, instance, *check));
    } else {
        target.watch = engine_->watch(target_of(*service, instance, *check),
                                      [this, address = StoredAddress{service->key(), instance.ip, instance.port}](
                                          bool healthy, std::string_view) { commits_.report(address, healthy); });
    }
    target.check = check;
    target.cluster = instance.cluster;
    target.healthy = instance.healthy;
}

void HealthProbes::report(ServicePtr service, spi::UniqueFunction<void(std::vector<ProbeReport>)> done) {
    on_lane([this, service = std::move(service), done = std::move(done)]() mutable {
        std::vector<ProbeReport> reports;
        const SnapshotPtr snapshot = service->snapshot();
        const auto watched = services_.find(service);
        for (const HostPtr& host : snapshot->hosts()) {
            const Instance& instance = host->instance();
            if (instance.ephemeral) {
                continue;
            }
            ProbeReport& report = reports.emplace_back();
            report.host = host;
            const ClusterCheck check = check_of(snapshot->metadata().get(), instance.cluster);
            report.type = check.type;
            std::string& why = report.last.result.reason;
            if (!check.is_probed()) {
                why = "the health checker of cluster " + instance.cluster + " is NONE: health is set by operators";
            } else if (engine_ == nullptr) {
                why = "the plugin 'health' is not loaded, nothing is probed";
            } else if (!is_numeric(bare(instance.ip))) {
                why = "'" + instance.ip + "' is no numeric address, only those are probed";
            } else if (watched != services_.end()) {
                const auto target = watched->second.targets.find(address_of(instance));
                if (target != watched->second.targets.end() && target->second.watch != nullptr) {
                    report.last = target->second.watch->last();
                }
            }
        }
        done(std::move(reports));
    });
}

}  // namespace pharos::naming
