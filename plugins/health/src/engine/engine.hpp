#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/health_check.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/services.hpp>

namespace pharos::health {

/// Probes targets (`protocol/naming.md §4.2`).
///
///     watch() ─► ring ─due─► queue of the type ─slot free─► probe ─► result ─► counts, interval ─► on_change
///                 ▲                                           │
///                 ╰────── again after the interval ◄──────────╯
///
/// A target is in the ring or in a queue; when its probe begins it goes back into the ring, due after its interval. At
/// most `max_in_flight` probes run at once; a slot that gets free goes to the type with the fewest, so that a type
/// whose targets are slow to answer does not starve the others, and within a type to whom has waited longest. A probe
/// that is not answered in time has failed and gives its slot back; what comes later is ignored.
///
/// One mutex guards all of it and is held for a few hundred instructions at a time, never over somebody else's code.
/// Probes begin on a work thread, results come on any.
class Engine final : public spi::HealthChecks {
public:
    struct Options {
        std::size_t max_in_flight = 4096;
        /// Probes a second: with more targets than fit, intervals do not get shorter than they may be for all to fit;
        /// as far as the longest interval of their pace allows.
        std::size_t max_rate = 10'000;
        std::uint64_t seed = 0;  ///< of what is random
    };

    /// `services` is asked for the types when they are first needed.
    Engine(const spi::ServiceRegistry& services, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log,
           Options options);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    std::unique_ptr<spi::HealthWatch> watch(spi::CheckTarget target, OnChange on_change) noexcept override;
    void set_policy(const spi::HealthPolicy& policy) noexcept override;

    /// Looks a type up before somebody needs it, so that its metrics are there. From start() on.
    void prepare(std::string_view type) noexcept;

    /// Begins no further probe and tells nobody any more. Watches may live on. False: a task is stuck.
    bool stop(spi::Duration patience) noexcept;

private:
    class Core;
    class Watch;

    const std::shared_ptr<Core> core_;  ///< answers that never come keep it
};

}  // namespace pharos::health
