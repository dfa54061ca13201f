#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>

#include "beat/due_ring.hpp"
#include "beat/tombstones.hpp"
#include "index/registry.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// What the reply to a beat says.
struct BeatAnswer {
    static constexpr int kOk = 10200;
    static constexpr int kRegisterAgain = 20404;

    int code = kOk;
    std::int64_t interval_ms = 5000;  ///< when the client shall beat next
};

/// Liveness of instances that are registered over HTTP and kept alive by beats (`protocol/naming.md §4.1`): silent for
/// longer than their time-out they become unhealthy, silent for longer than their delete time-out they are removed.
///
///     beat ─► one relaxed store                    timer ─► pool: what is due ─► silent too long? ─► Registry::replace
///     registration ─► DueRing, at its time-out ──────────────────▲                  └─ no: back into the ring
///
/// So an instance costs a pointer in the ring, and its beats never touch it. All times are of the steady clock: a wall
/// clock that jumps expires nobody; a node that itself stood still hears first. While the switch healthCheckEnabled is
/// off nobody's state changes by silence. Any thread.
class Heartbeats {
public:
    struct Options {
        bool expire = true;  ///< setting naming.expire_instance: false = who is silent only becomes unhealthy
    };
    Heartbeats(Registry& registry, const Switches& switches, spi::Executors& executors, Options options);

    /// Registers or replaces the instance of this ip:port in the service, which counts as a beat. `done` as in
    /// Registry.
    void register_instance(const ServiceKey& key, Instance instance, Registry::Done done);
    /// Takes the instance of this ip:port away; one that is not there is no error. A beat that was under way meanwhile
    /// does not bring it back (see beat). `done` as in Registry::withdraw.
    void deregister_instance(const ServiceKey& key, const std::string& ip, std::uint16_t port, Registry::Done done);

    /// Renews the life of the instance of this ip:port and makes it healthy again; nothing else of it changes. One that
    /// is not there is registered from a full beat, while the answer to a light one is kRegisterAgain; but when it was
    /// deregistered less than one beat time-out ago, the beat was late: it is answered as if the instance were there,
    /// and revives nobody.
    ///
    /// `done` is called in the call or on the service's lane. Errors: those of a registration, and kInvalidArgument
    /// when the instance breaks a rule of `protocol/naming.md §1.4`.
    void beat(const ServiceKey& key, Instance instance, bool is_light, spi::Completion<BeatAnswer> done);

    /// Nothing expires afterwards.
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

private:
    struct Due {
        spi::Duration at;
        TiePtr tie;
    };
    /// What holds for an instance: what operators have set comes before what it reports.
    struct Rules {
        BeatTimes times;
        bool never_expires = false;
    };

    /// `shown` may be null.
    [[nodiscard]] Rules rules_of(const ServiceSnapshot* shown, const Instance& instance) const;
    [[nodiscard]] Rules rules_of(const Tie& tie, const Publication& publication) const;
    void publish(const ServiceKey& key, Instance instance, Registry::Done done);
    /// A beat of a known instance; returns when the next one shall come.
    std::int64_t renew(const TiePtr& tie, const PublicationPtr& publication);
    /// Has the tie looked at when it is due, unless it is anyway before that.
    void watch(Due due);
    void watch_locked(Due due);
    /// Arms the timer for what is due next. The mutex must be held.
    void arm();
    void check_due(spi::Duration armed_for);
    /// Does what the tie's silence asks for; tells when to look again, or nothing.
    std::optional<spi::Duration> check(const TiePtr& tie, spi::Duration now);
    void arm_tombstones();
    /// The same publication with another health.
    [[nodiscard]] static PublicationPtr with_health(const Tie& tie, const Publication& publication, bool healthy);
    [[nodiscard]] spi::Duration now() const noexcept { return executors_.clock().steady(); }

    Registry& registry_;
    const Switches& switches_;
    spi::Executors& executors_;
    const Options options_;
    Tombstones tombstones_;
    std::atomic<bool> sweeping_{false};  ///< a timer that sweeps the tombstones is armed

    std::mutex mutex_;  ///< guards what follows and the ties' beat_due; never held over a lane
    DueRing<TiePtr> ring_;
    std::optional<spi::Duration> armed_for_;
    spi::TimerId timer_ = 0;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
