#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <pharos/spi/metrics.hpp>

namespace pharos::observe {

/// All metrics of the process. Any thread.
class MetricsRegistry final : public spi::Metrics {
public:
    spi::Counter& counter(std::string_view name, std::string_view help, const spi::Labels& labels) override;
    spi::Registration gauge(std::string_view name, std::string_view help, const spi::Labels& labels,
                            spi::UniqueFunction<double()> read) override;

    /// Like gauge(), for a value that only grows and is counted elsewhere.
    spi::Registration counter_of(std::string_view name, std::string_view help, const spi::Labels& labels,
                                 spi::UniqueFunction<double()> read);

    /// The Prometheus text format, families and series in order of their names.
    [[nodiscard]] std::string exposition();

private:
    struct Reading {
        std::uint64_t number;
        spi::UniqueFunction<double()> read;
    };
    struct Family {
        std::string help;
        bool is_counter = false;
        std::map<std::string, std::unique_ptr<spi::Counter>> counters;  ///< by label text
        std::map<std::string, Reading> readings;
    };

    spi::Registration add_reading(std::string_view name, std::string_view help, bool is_counter,
                                  const spi::Labels& labels, spi::UniqueFunction<double()> read);
    Family& family(std::string_view name, std::string_view help, bool is_counter);

    std::mutex mutex_;
    std::map<std::string, Family, std::less<>> families_;
    std::uint64_t last_number_ = 0;
};

}  // namespace pharos::observe
