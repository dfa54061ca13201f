#pragma once

#include <functional>
#include <memory>
#include <string>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/store.hpp>

#include "index/registry.hpp"
#include "persistent/stored_instance.hpp"

namespace pharos::naming {

/// Changes of persistent instances that somebody asks for: durable before they are acknowledged, and shown by then.
///
///     change ─► lane of the service: does it fit? ─► commit with compares ─► InstanceTable ─► the lane ─► done
///
/// So whoever has the answer finds the change in every later read here. A change that meets another one looks again.
/// Any thread; `done` is called on the lane, or in the call.
class InstanceWriter {
public:
    InstanceWriter(Registry& registry, spi::Executors& executors) : registry_(registry), executors_(executors) {}

    /// Without a store every change is refused.
    void start(spi::Store* store) noexcept { store_ = store; }
    /// No change begins; waits for those that have begun.
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

    using Done = spi::Completion<bool>;

    /// Registers the instance, or replaces the one of the same ip:port in the service, which becomes as healthy as
    /// `instance` says. Errors: kConflict "Current service G@@S is ephemeral service, can't register persistent
    /// instance.", kInvalidArgument, those of the Store.
    void register_instance(ServiceKey service, Instance instance, Done done);
    /// Takes it away; one that is not there is no error.
    void deregister_instance(ServiceKey service, std::string ip, std::uint16_t port, Done done);
    /// Sets the health of one, if it is there and in this cluster.
    void set_health(ServiceKey service, std::string ip, std::uint16_t port, std::string cluster, bool healthy,
                    Done done);

private:
    struct Attempt;

    void begin(const std::shared_ptr<Attempt>& made);
    void attempt(const std::shared_ptr<Attempt>& made);
    /// Answers, on the service's lane, behind what InstanceTable has put there.
    void finish(const std::shared_ptr<Attempt>& made, spi::Result<bool> outcome);

    Registry& registry_;
    spi::Executors& executors_;
    spi::Store* store_ = nullptr;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
