#pragma once

#include <pharos/spi/health_check.hpp>
#include <pharos/spi/plugin.hpp>
#include <pharos/spi/store.hpp>

#include "persistent/health_commits.hpp"
#include "persistent/health_probes.hpp"
#include "persistent/instance_table.hpp"
#include "persistent/instance_writer.hpp"

namespace pharos::naming {

/// Persistent instances: durable in the Store, shown on every node as it says, and probed.
///
///     callers ─► InstanceWriter ─┐                       ┌─► Registry ─► lists, pushes
///                                ├─► Store ─► InstanceTable
///     probes ─► HealthCommits ───┘                       └─► … hosts changed ─► HealthProbes ─► HealthChecks
class PersistentInstances {
public:
    PersistentInstances(Registry& registry, const Switches& switches, spi::Executors& executors, spi::Log& log)
        : table_(registry, log),
          writer_(registry, executors),
          commits_(executors, log),
          probes_(switches, executors, commits_) {
        registry.add_listener(probes_);
    }

    /// Shows what is stored, before it returns. Behind Catalogue::start: what operators have set is there first.
    spi::Status start(spi::Store* store, spi::HealthChecks* engine) {
        probes_.start(engine);
        commits_.start(store);
        writer_.start(store);
        return store == nullptr ? spi::Status() : table_.start(*store);
    }
    void stop(spi::Duration patience) noexcept {
        probes_.stop(patience);
        writer_.stop(patience);
        commits_.stop(patience);
        table_.stop();
    }

    [[nodiscard]] InstanceWriter& writer() noexcept { return writer_; }
    [[nodiscard]] HealthProbes& probes() noexcept { return probes_; }

private:
    InstanceTable table_;
    InstanceWriter writer_;
    HealthCommits commits_;
    HealthProbes probes_;
};

}  // namespace pharos::naming
