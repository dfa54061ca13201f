#pragma once

#include <vector>

#include "observe/metrics_registry.hpp"

namespace pharos::observe {

/// What the process takes of the machine, under the names that every Prometheus dashboard knows: processor time,
/// memory, descriptors, when it was started.
class ProcessMetrics {
public:
    /// The registry must outlive this object.
    explicit ProcessMetrics(MetricsRegistry& metrics);

private:
    std::vector<spi::Registration> registrations_;
};

}  // namespace pharos::observe
