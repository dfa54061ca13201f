#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/instance.hpp"

namespace pharos::naming {

/// What an operator has set for an instance, over what its publisher reports (`protocol/naming.md §1.5`): weight and
/// enabled take the publisher's place, data is merged over its metadata and wins by key.
struct InstanceOverride {
    double weight = 1.0;
    bool enabled = true;
    Metadata data;

    bool operator==(const InstanceOverride&) const = default;
};

/// Version byte 1, then weight, enabled and data, as ByteWriter puts them.
[[nodiscard]] std::string encode(const InstanceOverride& override);
/// Nothing when the bytes are not exactly one record of a known version.
[[nodiscard]] std::optional<InstanceOverride> decode_instance_override(std::string_view bytes);

/// "ip:port:cluster", by which an override finds its instances.
[[nodiscard]] std::string override_tag(std::string_view ip, std::uint16_t port, std::string_view cluster);
[[nodiscard]] std::string override_tag(const Instance& instance);

/// A service's overrides by their tags. Immutable.
using Overrides = std::map<std::string, InstanceOverride, std::less<>>;
using OverridesPtr = std::shared_ptr<const Overrides>;

/// The instance as clients see it.
[[nodiscard]] Instance merge(const Instance& reported, const InstanceOverride& override);

/// The value of a metadata key, or nothing.
[[nodiscard]] std::optional<std::string_view> find_value(const Metadata& metadata, std::string_view key) noexcept;
/// Sets a key, or adds it at the end.
void set_value(Metadata& metadata, std::string_view key, std::string_view value);

}  // namespace pharos::naming
