#include <gtest/gtest.h>

#include "observe/metrics_registry.hpp"

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

TEST(MetricsRegistry, AnOldRegistrationDoesNotRemoveItsSuccessor) {
    MetricsRegistry metrics;
    auto old = metrics.gauge("g", "h", {}, [] { return 1.0; });
    auto next = metrics.gauge("g", "h", {}, [] { return 2.0; });
    old.reset();
    EXPECT_NE(metrics.exposition().find("g 2\n"), std::string::npos);
}

}  // namespace
}  // namespace pharos::observe
