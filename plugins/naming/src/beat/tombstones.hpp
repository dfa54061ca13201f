#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include <pharos/spi/executor.hpp>

#include "model/service_key.hpp"

namespace pharos::naming {

/// Which instances were deregistered lately, so that a beat which was under way meanwhile does not bring them back. Any
/// thread. Bounded: beyond the bound nothing is remembered, and such a beat does bring its instance back.
class Tombstones {
public:
    static constexpr std::size_t kMost = 100'000;

    void put(const ServiceKey& key, const std::string& ip, std::uint16_t port, spi::Duration until);
    void remove(const ServiceKey& key, const std::string& ip, std::uint16_t port);
    [[nodiscard]] bool holds(const ServiceKey& key, const std::string& ip, std::uint16_t port, spi::Duration now) const;
    /// Forgets what is over; returns how many are left.
    std::size_t sweep(spi::Duration now);

private:
    static std::string name_of(const ServiceKey& key, const std::string& ip, std::uint16_t port);

    mutable std::mutex mutex_;
    std::unordered_map<std::string, spi::Duration> until_;
};

}  // namespace pharos::naming
