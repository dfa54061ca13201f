#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pharos::config {

inline constexpr std::string_view kPublicNamespace = "public";
/// Where configs are in the store. Their history is elsewhere (history/row.hpp), so that whoever watches or loads
/// configs does not meet it.
inline constexpr std::string_view kStorePrefix = "config/";

/// Identity of a config. The namespace is never blank: "public" for the public one, whatever the client wrote
/// (`protocol/config.md §1.2`).
struct ConfigKey {
    std::string namespace_id;
    std::string group;
    std::string data_id;

    bool operator==(const ConfigKey&) const = default;

    /// Prefix, namespace, NUL, group, NUL, data id. None of the parts can hold a NUL.
    [[nodiscard]] std::string store_key() const;
    /// The inverse; nothing when the text is no such key.
    [[nodiscard]] static std::optional<ConfigKey> parse(std::string_view store_key);
    /// "dataId+group+namespace", as operators see it (`protocol/config.md §1.2`).
    [[nodiscard]] std::string group_key() const;
};

/// Makes the key of what a client wrote; blank tenant = public.
[[nodiscard]] ConfigKey make_key(std::string_view tenant, std::string_view group, std::string_view data_id);

}  // namespace pharos::config
