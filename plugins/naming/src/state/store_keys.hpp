#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/service_key.hpp"

namespace pharos::naming {

// Keys of what naming keeps in the Store: a prefix, then namespace, group and name of the service and, of what belongs
// to one instance, its tag, with a zero byte between them.

/// What a store takes as a key (spi/store.hpp).
inline constexpr std::size_t kLongestStoreKey = 480;

/// Of a service; what belongs to one instance goes on with `tag`.
[[nodiscard]] std::string store_key(std::string_view prefix, const ServiceKey& service);
[[nodiscard]] std::string store_key(std::string_view prefix, const ServiceKey& service, std::string_view tag);

/// The service metadata of Catalogue. Also what a persistent registration compares, so that nobody makes the service
/// ephemeral meanwhile.
[[nodiscard]] std::string metadata_key(const ServiceKey& service);

struct StoreKeyParts {
    ServiceKey service;
    std::string tag;
};
/// The parts of what comes after the prefix; the last one takes the rest. Nothing when there are fewer.
[[nodiscard]] std::optional<StoreKeyParts> split_store_key(std::string_view rest, bool with_tag);

/// For people: the parts with bars between them.
[[nodiscard]] std::string readable_store_key(std::string_view key);

}  // namespace pharos::naming
