#include <gtest/gtest.h>

#include "observe/metrics_registry.hpp"
#include "observe/process_metrics.hpp"

namespace pharos::observe {
namespace {

TEST(MetricsRegistry, ShowsCountersAndGauges) {
    MetricsRegistry metrics;
    metrics.counter("pharos_b_total", "Things.", {{"kind", "a\"b"}}).add(3);
    metrics.counter("pharos_b_total", "Things.", {{"kind", "a\"b"}}).add(2);
    auto registration = metrics.gauge("pharos_a_bytes", "Size.", {}, [] { return 1.5; });
    EXPECT_EQ(metrics.exposition(),
              "# HELP pharos_a_bytes Size.\n# TYPE pharos_a_bytes gauge\npharos_a_bytes 1.5\n"
              "# HELP pharos_b_total Things.\n# TYPE pharos_b_total counter\npharos_b_total{kind=\"a\\\"b\"} 5\n");
    registration.reset();
    EXPECT_EQ(metrics.exposition().find("pharos_a_bytes"), std::string::npos);
}

TEST(MetricsRegistry, ShowsCountersThatAreReadElsewhere) {
    MetricsRegistry metrics;
    auto registration = metrics.counter_of("c_total", "h", {}, [] { return 2.5; });
    EXPECT_EQ(metrics.exposition(), "# HELP c_total h\n# TYPE c_total counter\nc_total 2.5\n");
}

TEST(ProcessMetrics, ReadTheProcessThatRuns) {
    MetricsRegistry metrics;
    const ProcessMetrics process(metrics);
    const std::string text = metrics.exposition();
    const auto value = [&](const std::string& name) {
        const std::size_t at = text.find("\n" + name + " ");
        return at == std::string::npos ? -1.0 : std::stod(text.substr(at + name.size() + 2));
    };
    EXPECT_GE(value("process_cpu_seconds_total"), 0.0);
    EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
    EXPECT_GE(value("process_open_fds"), 3.0);
    EXPECT_GE(value("process_max_fds"), value("process_open_fds"));
    EXPECT_GT(value("process_start_time_seconds"), 1.5e9);
}

TEST(MetricsRegistry, AnOldRegistrationDoesNotRemoveItsSuccessor) {
    MetricsRegistry metrics;
    auto old = metrics.gauge("g", "h", {}, [] { return 1.0; });
    auto next = metrics.gauge("g", "h", {}, [] { return 2.0; });
    old.reset();
    EXPECT_NE(metrics.exposition().find("g 2\n"), std::string::npos);
}

}  // namespace
}  // namespace pharos::observe
