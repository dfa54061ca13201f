#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/target.hpp"

namespace pharos::health {

/// A probe under way.
struct Flight {
    Target* target = nullptr;  ///< null: nobody waits for the result any more
    Type* type = nullptr;
    spi::Duration began{0};
};

/// The probes under way, by slots, which are used again. Guarded by the engine's mutex.
class Flights {
public:
    /// Names one probe for good, also when its slot has another one.
    struct Ticket {
        std::uint32_t slot = kNone;
        std::uint32_t generation = 0;

        bool operator==(const Ticket&) const = default;
    };

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const Flight& operator[](std::uint32_t slot) const noexcept { return slots_[slot].flight; }
    /// False: it has ended; its answer is late, or the second.
    [[nodiscard]] bool is_under_way(Ticket ticket) const noexcept {
        return slots_[ticket.slot].generation == ticket.generation;
    }
    /// The slot of the one that has been under way for longest.
    [[nodiscard]] std::optional<std::uint32_t> oldest() const noexcept {
        return in_order_.empty() ? std::nullopt : std::optional(in_order_.front().slot);
    }

    Ticket begin(Flight flight) {
        std::uint32_t slot = free_;
        if (slot == kNone) {
            slot = static_cast<std::uint32_t>(slots_.size());
            slots_.emplace_back();
        } else {
            free_ = slots_[slot].next_free;
        }
        slots_[slot].flight = flight;
        const Ticket ticket{slot, slots_[slot].generation};
        in_order_.push_back(ticket);
        ++size_;
        return ticket;
    }

    /// Ends it, and gives what it was.
    Flight end(std::uint32_t slot) noexcept {
        Slot& ended = slots_[slot];
        ++ended.generation;
        ended.next_free = std::exchange(free_, slot);
        --size_;
        while (!in_order_.empty() && !is_under_way(in_order_.front())) {
            in_order_.pop_front();
        }
        return std::exchange(ended.flight, {});
    }

    /// It goes on, and nobody waits for its result.
    void abandon(std::uint32_t slot) noexcept { slots_[slot].flight.target = nullptr; }

private:
    struct Slot {
        Flight flight;
        std::uint32_t generation = 0;
        std::uint32_t next_free = kNone;
    };

    std::vector<Slot> slots_;  ///< as many as there ever were at once
    std::uint32_t free_ = kNone;
    std::deque<Ticket> in_order_;  ///< the oldest first, and it has not ended; of the others some may have
    std::size_t size_ = 0;
};

/// A probe to be begun when the mutex is free.
struct Start {
    CheckPtr check;
    std::string ip;
    std::uint16_t port;
    Flights::Ticket ticket;
};

}  // namespace pharos::health
