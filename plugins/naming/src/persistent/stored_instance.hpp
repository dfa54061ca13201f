#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/instance.hpp"

namespace pharos::naming {

// What is stored of persistent instances: one key for what was registered, and one for a health that was found since.
//
// They are two so that a change of health needs to know of a registration only that it is there: neither undoes the
// other, thousands of changes of health go into one commit that no change of a weight or a metadata entry can upset,
// and they are small. Who writes the first key removes the second in the same commit: a registration says how healthy
// the instance is, until somebody looks.

inline constexpr std::string_view kPersistentPrefix = "naming/persistent/";  ///< of both
inline constexpr std::string_view kStoredInstances = "naming/persistent/instance/";
inline constexpr std::string_view kStoredHealth = "naming/persistent/health/";

/// What tells a persistent instance from all others.
struct StoredAddress {
    ServiceKey service;
    std::string ip;
    std::uint16_t port = 0;

    bool operator==(const StoredAddress&) const = default;
    auto operator<=>(const StoredAddress&) const = default;
};
[[nodiscard]] std::string instance_key(const StoredAddress& address);
[[nodiscard]] std::string health_key(const StoredAddress& address);
/// Of what comes after either prefix; nothing when it is no such key.
[[nodiscard]] std::optional<StoredAddress> parse_stored_address(std::string_view rest);

/// Version byte 1, weight, healthy, enabled, cluster, id and metadata, as ByteWriter puts them.
[[nodiscard]] std::string encode_instance(const Instance& instance);
/// A persistent instance without its address. Nothing when the bytes are not exactly one of a known version.
[[nodiscard]] std::optional<Instance> decode_instance(std::string_view bytes);

/// Version byte 1 and the health.
[[nodiscard]] std::string encode_health(bool healthy);
[[nodiscard]] std::optional<bool> decode_health(std::string_view bytes);

}  // namespace pharos::naming
