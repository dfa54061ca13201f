#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/health_check.hpp>
#include <pharos/testing/fakes.hpp>

/// What tests of health checks begin with.
namespace pharos::health {

using Outcome = spi::ProbeResult::Outcome;

using FakeChecker = testing::FakeHealthChecker;

/// What is provided, by type.
class FakeServices final : public spi::ServiceRegistry {
public:
    void add(std::string type, spi::HealthChecker& checker) { checkers_[std::move(type)] = &checker; }

protected:
    spi::Result<spi::Registration> provide_raw(std::string_view, void*, spi::Properties) override {
        return spi::Registration();
    }
    [[nodiscard]] void* find_raw(std::string_view interface, const spi::Properties& wanted) const override {
        const auto found = checkers_.find(std::string(spi::property(wanted, "type")));
        return interface == spi::HealthChecker::kInterface && found != checkers_.end() ? found->second : nullptr;
    }
    [[nodiscard]] std::vector<void*> all_raw(std::string_view) const override { return {}; }

private:
    std::map<std::string, spi::HealthChecker*> checkers_;
};

/// Keeps lines.
class LinesLog final : public spi::Log {
public:
    [[nodiscard]] bool enabled(spi::LogLevel) const noexcept override { return true; }
    [[nodiscard]] std::size_t count(std::string_view part) const {
        std::size_t found = 0;
        for (const std::string& line : lines) {
            found += line.find(part) != std::string::npos ? 1 : 0;
        }
        return found;
    }

    std::vector<std::string> lines;

protected:
    void write(spi::LogLevel, std::string_view event, const spi::LogField* fields,
               std::size_t count) noexcept override {
        std::string line(event);
        for (std::size_t i = 0; i < count; ++i) {
            line += " " + std::string(fields[i].key) + "=" + fields[i].value;
        }
        lines.push_back(std::move(line));
    }
};

/// Counts and reads gauges, by name and labels: `pharos_health_targets{TCP,healthy}`.
class ReadableMetrics final : public spi::Metrics {
public:
    spi::Counter& counter(std::string_view name, std::string_view, const spi::Labels& labels) override {
        auto& slot = counters_[full_name(name, labels)];
        if (slot == nullptr) {
            slot = std::make_unique<spi::Counter>();
        }
        return *slot;
    }
    spi::Registration gauge(std::string_view name, std::string_view, const spi::Labels& labels,
                            spi::UniqueFunction<double()> read) override {
        const std::string full = full_name(name, labels);
        gauges_[full] = std::move(read);
        return spi::Registration([this, full] { gauges_.erase(full); });
    }
    double read(const std::string& full) {
        if (const auto found = counters_.find(full); found != counters_.end()) {
            return static_cast<double>(found->second->value());
        }
        const auto found = gauges_.find(full);
        return found == gauges_.end() ? -1 : found->second();
    }
    [[nodiscard]] std::size_t gauges() const noexcept { return gauges_.size(); }

private:
    static std::string full_name(std::string_view name, const spi::Labels& labels) {
        std::string full(name);
        for (std::size_t i = 0; i < labels.size(); ++i) {
            full += (i == 0 ? "{" : ",") + labels[i].second;
        }
        return full + (labels.empty() ? "" : "}");
    }

    std::map<std::string, std::unique_ptr<spi::Counter>> counters_;
    std::map<std::string, spi::UniqueFunction<double()>> gauges_;
};

}  // namespace pharos::health
