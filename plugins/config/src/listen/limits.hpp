#pragma once

#include <cstddef>

#include <pharos/spi/metrics.hpp>

namespace pharos::config {

/// What listening may cost, and what counts refusals (may be null).
struct ListenLimits {
    std::size_t listened = 10'000;  ///< configs of one long poll or one batch of listens
    std::size_t by_connection = 100'000;  ///< configs that one gRPC connection listens to
    std::size_t polls_by_ip = 10'000;
    spi::Counter* refused_listened = nullptr;
    spi::Counter* refused_by_connection = nullptr;
    spi::Counter* refused_polls = nullptr;
};

}  // namespace pharos::config
