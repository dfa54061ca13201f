#pragma once

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>

#include "index/registry.hpp"

namespace pharos::naming {

/// Liveness of instances that are registered over HTTP and kept alive by beats (`protocol/naming.md §4.1`): silent for
/// longer than their time-out they become unhealthy, silent for longer than their delete time-out they are removed.
///
/// A beat is one relaxed store. Each instance has one timer, which looks at the last beat when it fires and arms itself
/// for the next moment at which something could be due. All times are of the steady clock: a wall clock that jumps
/// expires nobody. An instance that is registered again with shorter times may expire by the longer ones once.
class Heartbeats {
public:
    Heartbeats(Registry& registry, spi::Executors& executors) : registry_(registry), executors_(executors) {}

    /// Registers or replaces the instance of this ip:port in the service, which counts as a beat. `done` as in
    /// Registry.
    void register_instance(const ServiceKey& key, Instance instance, Registry::Done done);
    /// Renews the instance's life; makes it healthy again. False: nobody of this ip:port publishes the service.
    [[nodiscard]] bool beat(const ServiceKey& key, const std::string& ip, std::uint16_t port);

    /// No timer does anything afterwards.
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

private:
    /// Arms the tie's timer unless it is armed.
    void watch(const TiePtr& tie, spi::Duration delay);
    void check(const TiePtr& tie);
    /// The same publication with another health.
    [[nodiscard]] static PublicationPtr with_health(const Tie& tie, const Publication& publication, bool healthy);

    Registry& registry_;
    spi::Executors& executors_;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
