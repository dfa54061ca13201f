#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/health_check.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/services.hpp>

#include "engine/due_ring.hpp"

namespace pharos::health {

/// A type of health check that somebody offers, and how it goes with it. Lives as long as Types.
struct Type {
    std::string name;
    spi::HealthChecker* checker = nullptr;  ///< null: nobody offers it
    bool has_http_pace = false;
    std::array<spi::Counter*, 4> outcomes{};  ///< by ProbeResult::Outcome
    spi::Counter* silent = nullptr;           ///< probes that were not answered in time
    std::atomic<bool> told_of_silence{false};
    std::atomic<bool> told_of_repeats{false};

    /// How many targets there are in which state, for the metrics.
    enum State : std::uint8_t { kHealthy = 0, kUnhealthy = 1, kUnprobed = 2 };
    std::array<std::atomic<std::int64_t>, 3> targets{};

    // Guarded by the engine's mutex.
    Queue waiting;  ///< targets that are due, the first first
    std::size_t in_flight = 0;
};

/// One check with its settings, shared by all targets that are checked alike. Immutable.
struct Check {
    Type* type = nullptr;
    std::shared_ptr<spi::Probe> probe;  ///< null: the targets are not probed
    std::string why_not;                ///< when there is no probe
};

using CheckPtr = std::shared_ptr<const Check>;

/// Finds the providers of types and makes checks of settings; equal ones are made once. Any thread.
class Types {
public:
    Types(const spi::ServiceRegistry& services, spi::Metrics& metrics) : services_(services), metrics_(metrics) {}

    /// Of a type in any spelling.
    [[nodiscard]] CheckPtr check(std::string_view type, const spi::Properties& settings);

    /// Takes the metrics of the types back.
    void stop() noexcept;

private:
    using Key = std::pair<std::string, spi::Properties>;

    Type& type_of(const std::string& name);
    Type& add(const std::string& name, spi::HealthChecker* checker);

    const spi::ServiceRegistry& services_;
    spi::Metrics& metrics_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Type>, std::less<>> types_;  ///< those offered, and "unknown" for all others
    std::map<Key, std::weak_ptr<const Check>> checks_;
    std::size_t sweep_at_ = 64;  ///< checks at which those that nobody needs any more are looked for
    std::vector<spi::Registration> gauges_;
};

}  // namespace pharos::health
