#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include <pharos/spi/control.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>

#include "budget.hpp"

namespace pharos::control {

/// A point of the wire: its own rule, and that of the same point over HTTP alone ("Http<Point>"). What it takes is
/// counted by a wider point as well, if there is one.
class Point final : public spi::LimitPoint {
public:
    Point(std::string name, const spi::Clock& clock, spi::Metrics& metrics, spi::Log& log, Brake brake,
          Point* wider = nullptr);

    spi::Verdict admit(const spi::LimitedCaller& caller) noexcept override;

    enum class Of { kAll, kHttp };
    void set(Of of, const Rule& rule);
    [[nodiscard]] Rule rule(Of of) const;
    /// Requests taken within the rule's last period.
    [[nodiscard]] std::int64_t count(Of of);

private:
    /// `delay`: how long the request has to wait anyhow.
    spi::Verdict take(const spi::LimitedCaller& caller, spi::Duration delay) noexcept;
    [[nodiscard]] Budget& budget(Of of) noexcept { return of == Of::kAll ? all_ : http_; }

    const std::string name_;
    const spi::Clock& clock_;
    spi::Log& log_;
    const Brake brake_;
    Point* const wider_;
    spi::Counter& admitted_;
    spi::Counter& delayed_;
    spi::Counter& refused_;
    spi::Counter& over_;
    std::atomic<bool> is_limited_{false};  ///< by any rule
    mutable std::mutex mutex_;             ///< guards what follows
    Budget all_;
    Budget http_;
    spi::Duration told_{-std::chrono::hours(1)};  ///< when the log last told of a request over the limit
};

}  // namespace pharos::control
