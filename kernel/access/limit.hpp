#pragma once

#include <atomic>
#include <string_view>

#include <pharos/spi/control.hpp>

namespace pharos::access {

/// The limit of one route or payload type, found once by its point's name, so that a request costs one read. Any
/// thread.
class Limit {
public:
    /// The control must outlive the requests. Null, or "" for the name: no limit.
    void resolve(spi::LoadControl* control, std::string_view point) noexcept {
        point_.store(control == nullptr || point.empty() ? nullptr : control->point(point), std::memory_order_release);
    }

    /// What becomes of this request; at once when there is no limit.
    [[nodiscard]] spi::Verdict admit(const spi::LimitedCaller& caller) const noexcept {
        spi::LimitPoint* const point = point_.load(std::memory_order_acquire);
        return point == nullptr ? spi::Verdict() : point->admit(caller);
    }
    /// False: admit() has nothing to decide.
    explicit operator bool() const noexcept { return point_.load(std::memory_order_relaxed) != nullptr; }

private:
    std::atomic<spi::LimitPoint*> point_{nullptr};
};

}  // namespace pharos::access
