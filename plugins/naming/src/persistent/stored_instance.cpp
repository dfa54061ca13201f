#include "persistent/stored_instance.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include "model/codec.hpp"
#include "state/store_keys.hpp"

namespace pharos::naming {

namespace {

constexpr std::uint8_t kVersion = 1;

std::string key_of(std::string_view prefix, const StoredAddress& address) {
    return store_key(prefix, address.service, address.ip + ":" + std::to_string(address.port));
}

}  // namespace

std::string instance_key(const StoredAddress& address) { return key_of(kStoredInstances, address); }

std::string health_key(const StoredAddress& address) { return key_of(kStoredHealth, address); }

std::optional<StoredAddress> parse_stored_address(std::string_view rest) {
    std::optional<StoreKeyParts> parts = split_store_key(rest, true);
    if (!parts || parts->service.name.empty()) {
        return std::nullopt;
    }
    const std::string_view tag = parts->tag;
    const std::size_t colon = tag.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || tag.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view digits = tag.substr(colon + 1);
    StoredAddress address{std::move(parts->service), std::string(tag.substr(0, colon)), 0};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    // Only as it was written: no second key means the same instance.
    const bool is_port =
        error == std::errc{} && end == digits.data() + digits.size() && std::to_string(address.port) == digits;
    return is_port ? std::optional(std::move(address)) : std::nullopt;
}

std::string encode_instance(const Instance& instance) {
    std::string out;
    ByteWriter bytes(out);
    bytes.number(kVersion, 1);
    bytes.real(instance.weight);
    bytes.boolean(instance.healthy);
    bytes.boolean(instance.enabled);
    bytes.text(instance.cluster);
    bytes.text(instance.id);
    bytes.pairs(instance.metadata);
    return out;
}

std::optional<Instance> decode_instance(std::string_view stored) {
    ByteReader bytes(stored);
    if (bytes.number(1) != kVersion) {
        return std::nullopt;
    }
    Instance instance;
    instance.ephemeral = false;
    instance.weight = bytes.real();
    instance.healthy = bytes.boolean();
    instance.enabled = bytes.boolean();
    instance.cluster = bytes.text();
    instance.id = bytes.text();
    instance.metadata = bytes.pairs();
    // No JSON has a number for anything else.
    return bytes.ended() && std::isfinite(instance.weight) ? std::optional(std::move(instance)) : std::nullopt;
}

std::string encode_health(bool healthy) {
    std::string out;
    ByteWriter bytes(out);
    bytes.number(kVersion, 1);
    bytes.boolean(healthy);
    return out;
}

std::optional<bool> decode_health(std::string_view stored) {
    ByteReader bytes(stored);
    if (bytes.number(1) != kVersion) {
        return std::nullopt;
    }
    const bool healthy = bytes.boolean();
    return bytes.ended() ? std::optional(healthy) : std::nullopt;
}

}  // namespace pharos::naming
