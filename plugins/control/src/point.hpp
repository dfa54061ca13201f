#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include <pharos/spi/control.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>

#include "rule.hpp"

namespace pharos::control {

/// How requests are slowed before any is refused.
struct Brake {
    double from = 0.8;  ///< share of a limit; 1 = never
    spi::Duration longest = std::chrono::seconds(1);
};

/// A rule, and what has been taken under it: counted in ten slots of a period, which rotate.
class Budget {
public:
    /// What it makes of one request more.
    struct Answer {
        bool over = false;
        spi::Duration delay{0};
    };

    void set(const Rule& rule) noexcept;
    [[nodiscard]] const Rule& rule() const noexcept { return rule_; }
    /// Counts the request unless it is over the limit and the rule intercepts.
    Answer take(spi::Duration now, const Brake& brake) noexcept;
    /// Taken within the last period.
    [[nodiscard]] std::int64_t count(spi::Duration now) noexcept;

private:
    static constexpr std::int64_t kSlots = 10;

    void rotate(spi::Duration now) noexcept;

    Rule rule_;
    std::array<std::int64_t, kSlots> slots_{};
    std::int64_t slot_ = 0;  ///< number of the newest one, since the clock's beginning
    std::int64_t sum_ = 0;
};

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
    spi::Verdict take(const spi::LimitedCaller& caller) noexcept;
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
