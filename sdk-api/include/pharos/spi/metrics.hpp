#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/services.hpp>

namespace pharos::spi {

/// Label names and values of one time series.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// A number that only grows. Any thread.
class Counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// The node's metrics, shown in the Prometheus text format. Names carry their unit (`_total`, `_bytes`, `_seconds`).
/// Any thread; meant for start-up, not for hot paths.
class Metrics {
public:
    /// The counter of this name and these labels, made at first use; lives as long as the process.
    virtual Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {}) = 0;
    /// A value read when metrics are collected, until the registration ends. `read` is called on a kernel thread.
    virtual Registration gauge(std::string_view name, std::string_view help, const Labels& labels,
                               UniqueFunction<double()> read) = 0;

protected:
    ~Metrics() = default;
};

}  // namespace pharos::spi
