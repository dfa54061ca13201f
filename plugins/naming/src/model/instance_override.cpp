#include "model/instance_override.hpp"

#include <algorithm>

#include "model/codec.hpp"

namespace pharos::naming {

namespace {
constexpr std::uint8_t kVersion = 1;
}

std::string encode(const InstanceOverride& override) {
    std::string out;
    ByteWriter bytes(out);
    bytes.number(kVersion, 1);
    bytes.real(override.weight);
    bytes.boolean(override.enabled);
    bytes.pairs(override.data);
    return out;
}

std::optional<InstanceOverride> decode_instance_override(std::string_view stored) {
    ByteReader bytes(stored);
    if (bytes.number(1) != kVersion) {
        return std::nullopt;
    }
    InstanceOverride override;
    override.weight = bytes.real();
    override.enabled = bytes.boolean();
    override.data = bytes.pairs();
    return bytes.ended() ? std::optional(std::move(override)) : std::nullopt;
}

std::string override_tag(std::string_view ip, std::uint16_t port, std::string_view cluster) {
    std::string tag(ip);
    tag += ':';
    tag += std::to_string(port);
    tag += ':';
    tag += cluster;
    return tag;
}

std::string override_tag(const Instance& instance) {
    return override_tag(instance.ip, instance.port, instance.cluster);
}

Instance merge(const Instance& reported, const InstanceOverride& override) {
    Instance merged = reported;
    merged.weight = override.weight;
    merged.enabled = override.enabled;
    for (const auto& [key, value] : override.data) {
        set_value(merged.metadata, key, value);
    }
    return merged;
}

std::optional<std::string_view> find_value(const Metadata& metadata, std::string_view key) noexcept {
    const auto found =
        std::find_if(metadata.begin(), metadata.end(), [key](const auto& entry) { return entry.first == key; });
    return found == metadata.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

void set_value(Metadata& metadata, std::string_view key, std::string_view value) {
    const auto found =
        std::find_if(metadata.begin(), metadata.end(), [key](const auto& entry) { return entry.first == key; });
    if (found == metadata.end()) {
        metadata.emplace_back(key, value);
    } else {
        found->second = value;
    }
}

}  // namespace pharos::naming
