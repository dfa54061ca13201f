#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/store.hpp>

#include "persistent/stored_instance.hpp"

namespace pharos::naming {

/// Writes what probes have found. Any thread.
///
///     report ─► waiting, newest by instance ─► one commit at a time takes all that waits ─► InstanceTable shows it
///
/// So a first change is written at once, and thousands that come while it is on its way go into a few commits. What is
/// stored already is not written; a commit depends on its instances still being there and on nothing else. What fails
/// is dropped: whoever probes tells again after the next probe.
class HealthCommits {
public:
    HealthCommits(spi::Executors& executors, spi::Log& log) : executors_(executors), log_(log) {}

    /// Without a store nothing is written.
    void start(spi::Store* store) noexcept { store_ = store; }
    /// Nothing is written any more; waits for what has begun.
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

    void report(const StoredAddress& address, bool healthy);

private:
    using Batch = std::map<StoredAddress, bool>;

    /// Commits what waits, if nothing is on its way.
    void write_next();
    void write(std::shared_ptr<const Batch> batch, int attempt);
    void end();

    spi::Executors& executors_;
    spi::Log& log_;
    spi::Store* store_ = nullptr;
    std::mutex mutex_;  ///< guards the two below
    Batch waiting_;
    bool writing_ = false;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
