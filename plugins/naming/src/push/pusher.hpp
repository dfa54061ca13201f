#pragma once

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>

#include "index/registry.hpp"

namespace pharos::naming {

/// Tells subscribers what changed (`protocol/naming.md §3.4`).
///
///     lane of the service                 pool                        each subscriber
///     hosts changed ─► PushWindow ─► fan-out in slices ─► offer ─► at most 8 in flight a connection,
///                                                                 one per service; the newest snapshot is read
///                                                                 when it is sent, so what waits is never old
///
/// A push that is not acked is tried again with growing delay, up to 30 s; a subscriber that takes nothing for 300 s
/// is closed. Stop it after the transport tells of no more changes; in-flight completions are waited for.
class Pusher final : public ChangeListener {
public:
    Pusher(Registry& registry, spi::Executors& executors, spi::Connections& connections, spi::Metrics& metrics,
           spi::Log& log);

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

    Registry& registry_;
    spi::Executors& executors_;
    spi::Connections& connections_;
    spi::Log& log_;
    spi::Counter& sent_;
    spi::Counter& failed_;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
