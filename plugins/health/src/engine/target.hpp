#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include <pharos/spi/health_check.hpp>

#include "engine/due_ring.hpp"
#include "engine/types.hpp"

/// What the engine keeps. All of it is guarded by the engine's mutex.
namespace pharos::health {

using Outcome = spi::ProbeResult::Outcome;

inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// Somebody who is probed. Owned by its watch, and by calls of on_change that are queued. Guarded by the engine's
/// mutex.
struct Target : Queued, std::enable_shared_from_this<Target> {
    std::string name;
    std::string ip;
    std::uint16_t port = 0;
    bool healthy = true;
    bool removed = false;
    bool waiting = false;       ///< in the queue of its type, not in the ring
    bool awaits_first = false;  ///< planned, and not probed yet
    bool turned = false;        ///< on_change has been told, and nothing has settled it
    bool call_queued = false;   ///< of on_change
    bool in_call = false;
    bool passing = true;       ///< kind of the results in a row
    std::uint8_t excused = 0;  ///< failures since it passed that were laid to this node
    std::uint32_t in_a_row = 0;
    std::uint32_t flight = kNone;  ///< its probe under way
    Outcome outcome = Outcome::kPassed;
    CheckPtr check;
    spi::Duration interval{0};
    spi::Duration lateness{0};  ///< of its newest probe, from when it was planned to its begin
    spi::Duration took{0};
    std::int64_t probed_at_ms = 0;
    std::string reason;
    spi::HealthChecks::OnChange on_change;

    [[nodiscard]] Type::State state() const noexcept {
        return check->probe == nullptr ? Type::kUnprobed : healthy ? Type::kHealthy : Type::kUnhealthy;
    }
};

using TargetPtr = std::shared_ptr<Target>;

/// A turn to be logged when the mutex is free.
struct Turn {
    std::string name;
    bool healthy;
    std::string reason;
};

}  // namespace pharos::health
