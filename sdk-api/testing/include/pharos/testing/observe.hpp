#pragma once

#include <map>
#include <memory>
#include <string>

#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>

namespace pharos::testing {

class NullLog final : public spi::Log {
public:
    [[nodiscard]] bool enabled(spi::LogLevel) const noexcept override { return false; }

protected:
    void write(spi::LogLevel, std::string_view, const spi::LogField*, std::size_t) noexcept override {}
};

/// Counts, and shows nothing.
class FakeMetrics final : public spi::Metrics {
public:
    spi::Counter& counter(std::string_view name, std::string_view, const spi::Labels&) override {
        auto& slot = counters[std::string(name)];
        if (slot == nullptr) {
            slot = std::make_unique<spi::Counter>();
        }
        return *slot;
    }
    spi::Registration gauge(std::string_view, std::string_view, const spi::Labels&,
                            spi::UniqueFunction<double()>) override {
        return {};
    }

    std::map<std::string, std::unique_ptr<spi::Counter>> counters;
};

}  // namespace pharos::testing
