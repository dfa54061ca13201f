#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/namespaces.hpp>
#include <pharos/spi/services.hpp>
#include <pharos/spi/store.hpp>

namespace pharos::core {

/// A namespace as lists show it (`protocol/core.md §3.8`).
struct Namespace {
    std::string id;
    std::string name;
    std::string description;
    std::uint64_t config_count = 0;
    bool is_public = false;
};

/// The namespaces of the node: the public one, which is always there, and those in the store, below the key
/// "namespace/". Any thread.
class Namespaces {
public:
    /// The store may be null: then only the public one is known.
    Namespaces(spi::Store* store, std::vector<spi::NamespaceUsage*> usages)
        : store_(store), usages_(std::move(usages)) {}

    /// All, the public one first. Error kUnavailable: the store can't be read.
    [[nodiscard]] spi::Result<std::vector<Namespace>> list() const;

private:
    [[nodiscard]] std::uint64_t config_count(std::string_view id) const;

    spi::Store* const store_;
    const std::vector<spi::NamespaceUsage*> usages_;
};

/// A namespace's value in the store: version byte, then name and description, each after its length (32 bits, little
/// endian). Nothing when the bytes are something else.
[[nodiscard]] std::string encode_namespace(std::string_view name, std::string_view description);
struct NamespaceRecord {
    std::string_view name;
    std::string_view description;
};
[[nodiscard]] std::optional<NamespaceRecord> decode_namespace(std::string_view bytes);

/// The array of namespace objects. `public_id` is "public" in 3.x and "" before.
[[nodiscard]] std::string namespaces_json(const std::vector<Namespace>& namespaces, std::string_view public_id);

}  // namespace pharos::core
