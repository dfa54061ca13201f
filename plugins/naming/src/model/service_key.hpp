#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace pharos::naming {

/// Identity of a service (`protocol/naming.md §1.1`).
struct ServiceKey {
    std::string namespace_id;  ///< never blank: "public" for the public one
    std::string group;
    std::string name;

    bool operator==(const ServiceKey&) const = default;
    auto operator<=>(const ServiceKey&) const = default;

    /// "group@@name", as HTTP and UDP show it.
    [[nodiscard]] std::string grouped_name() const { return group + "@@" + name; }
};

struct ServiceKeyHash {
    std::size_t operator()(const ServiceKey& key) const noexcept {
        const std::hash<std::string> hash;
        std::size_t seed = hash(key.name);
        for (const std::string* part : {&key.group, &key.namespace_id}) {
            seed ^= hash(*part) + 0x9E3779B97F4A7C15u + (seed << 6) + (seed >> 2);
        }
        return seed;
    }
};

inline constexpr std::string_view kPublicNamespace = "public";
inline constexpr std::string_view kDefaultGroup = "DEFAULT_GROUP";
inline constexpr std::string_view kDefaultCluster = "DEFAULT";

}  // namespace pharos::naming
