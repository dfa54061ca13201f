#pragma once

#include <mutex>
#include <set>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>

#include "index/registry.hpp"
#include "push/push_costs.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// Tells subscribers that have no connection.
class DatagramSubscribers {
public:
    /// The subscriber of an ip:port is to hear what its service shows; `first`: for the first time. On the service's
    /// lane or the pool. What is sent is read when it is sent: tie->subscription, tie->service->snapshot().
    virtual void tell(const TiePtr& tie, bool first) noexcept = 0;

protected:
    ~DatagramSubscribers() = default;
};

/// Tells subscribers what changed (`protocol/naming.md §3.4`).
///
///     lane of the service                 pool                        each subscriber
///     hosts changed ─► PushWindow ─► fan-out in slices ─► offer ─► at most 8 in flight a connection,
///                                                                 one per service; the newest snapshot is read
///                                                                 when it is sent, so what waits is never old
///
/// A push that is not acked is tried again with growing delay, up to 30 s; a subscriber that takes nothing for 300 s
/// is closed. While the switch pushEnabled is off nothing begins; what changed meanwhile is told when it is on again.
/// Stop it after the transport tells of no more changes; in-flight completions are waited for.
class Pusher final : public ChangeListener {
public:
    Pusher(Registry& registry, const Switches& switches, spi::Executors& executors, spi::Connections& connections,
           spi::Metrics& metrics, spi::Log& log);

    /// Without it, subscribers that have no connection are told nothing. Before anything changes.
    void set_datagrams(DatagramSubscribers& datagrams) noexcept { datagrams_ = &datagrams; }
    /// The switch pushEnabled may have been turned: what was held back while it was off goes out.
    void on_switches_changed();

    /// Of pushes to connections, for operators.
    [[nodiscard]] PushCosts& costs() noexcept { return costs_; }

    void on_hosts_changed(const ServicePtr& service) noexcept override;
    void on_subscribed(const TiePtr& tie) noexcept override;

    /// No push begins afterwards; waits for those that have begun.
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

private:
    void fan_out(const ServicePtr& service);
    void offer(const TiePtr& tie, bool first);
    void send(const TiePtr& tie, bool first);
    void finish(const TiePtr& tie, const spi::Result<bool>& outcome);
    /// Takes ties from the client's queue while there is room. The push mutex must not be held.
    void send_queued(const ClientPtr& client);

    /// Whether pushes are switched off; then the service is told of when they are on again.
    bool put_off(const ServicePtr& service);

    Registry& registry_;
    const Switches& switches_;
    DatagramSubscribers* datagrams_ = nullptr;
    spi::Executors& executors_;
    spi::Connections& connections_;
    spi::Log& log_;
    spi::Counter& sent_;
    spi::Counter& failed_;
    PushCosts costs_;
    std::mutex put_off_mutex_;
    std::set<ServicePtr> put_off_;  ///< changed while pushes were off; guarded by its mutex
    sdk::Gate gate_;
};

}  // namespace pharos::naming
