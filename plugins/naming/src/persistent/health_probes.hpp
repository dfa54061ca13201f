#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/sdk/lane.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/health_check.hpp>

#include "index/registry.hpp"
#include "persistent/cluster_check.hpp"
#include "persistent/health_commits.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// The newest probe of one persistent instance, for operators.
struct ProbeReport {
    HostPtr host;
    std::string type;  ///< of its cluster's check
    spi::LastProbe last;
};

/// Has every persistent instance probed as its cluster says (`protocol/naming.md §4.2`), and what is found written.
///
///     hosts or metadata of a service changed ─► stale ─► own lane: compare what is shown with what is watched
///                                                            └─► HealthChecks: watch, update, assume ─► report
///     probes contradict ─► HealthCommits ─► Store ─► InstanceTable ─► hosts changed ─► assume
///
/// It looks at what is shown, not at who changed it: so changes may be merged and overtake each other, and what another
/// node writes counts the same. All watches are used on one lane, which is never held over on_change.
class HealthProbes final : public ChangeListener {
public:
    HealthProbes(const Switches& switches, spi::Executors& executors, HealthCommits& commits)
        : switches_(switches), executors_(executors), commits_(commits), lane_(executors.work()) {}

    /// Before anything persistent is shown. Null: nothing is probed.
    void start(spi::HealthChecks* engine);
    /// Nothing is probed any more.
    void stop(spi::Duration patience) noexcept;

    void on_hosts_changed(const ServicePtr& service) noexcept override { note(service); }
    void on_subscribed(const TiePtr&) noexcept override {}
    void on_metadata_changed(const ServicePtr& service) noexcept override { note(service); }
    void on_switches_changed();

    /// Of all persistent instances of the service. `done` is called on a lane, or in the call; not after stop().
    void report(ServicePtr service, spi::UniqueFunction<void(std::vector<ProbeReport>)> done);

private:
    struct Target {
        std::unique_ptr<spi::HealthWatch> watch;  ///< null: not to be probed
        std::shared_ptr<const ClusterCheck> check;
        std::string cluster;
        bool healthy = true;
        std::uint64_t seen = 0;  ///< the review that found it shown
    };
    struct Watched {
        ServiceMetadataPtr metadata;
        std::unordered_map<std::string, std::shared_ptr<const ClusterCheck>> checks;  ///< by cluster
        std::unordered_map<std::string, Target> targets;                              ///< by "ip:port"
    };

    void note(const ServicePtr& service) noexcept;
    /// Runs the task on the lane, or drops it when this has been stopped.
    template <class OnLane>
    void on_lane(OnLane task);

    // On the lane:
    void review_stale();
    void review(const ServicePtr& service);
    void renew_checks(Watched& watched, const ServiceSnapshot& snapshot);
    const std::shared_ptr<const ClusterCheck>& check_for(Watched& watched, const std::string& cluster);
    void follow(const ServicePtr& service, const Instance& instance, Target& target,
                const std::shared_ptr<const ClusterCheck>& check);

    const Switches& switches_;
    spi::Executors& executors_;
    HealthCommits& commits_;
    spi::HealthChecks* engine_ = nullptr;
    sdk::Lane lane_;
    std::unordered_map<ServicePtr, Watched> services_;  ///< on the lane
    std::uint64_t reviews_ = 0;                         ///< on the lane
    std::mutex mutex_;                                  ///< guards what follows
    std::set<ServicePtr> stale_;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
