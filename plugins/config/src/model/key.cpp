#include "model/key.hpp"

#include <pharos/protocol/params.hpp>

namespace pharos::config {

std::string ConfigKey::store_key() const {
    std::string key;
    key.reserve(kStorePrefix.size() + namespace_id.size() + group.size() + data_id.size() + 2);
    key += kStorePrefix;
    key += namespace_id;
    key += '\0';
    key += group;
    key += '\0';
    key += data_id;
    return key;
}

std::optional<ConfigKey> ConfigKey::parse(std::string_view store_key) {
    if (!store_key.starts_with(kStorePrefix)) {
        return std::nullopt;
    }
    store_key.remove_prefix(kStorePrefix.size());
    const std::size_t first = store_key.find('\0');
    const std::size_t second = first == std::string_view::npos ? first : store_key.find('\0', first + 1);
    if (second == std::string_view::npos) {
        return std::nullopt;
    }
    return ConfigKey{std::string(store_key.substr(0, first)),
                     std::string(store_key.substr(first + 1, second - first - 1)),
                     std::string(store_key.substr(second + 1))};
}

std::string ConfigKey::group_key() const {
    std::string key;
    for (const std::string* part : {&data_id, &group, &namespace_id}) {
        key += key.empty() ? "" : "+";
        for (const char c : *part) {
            if (c == '+') {
                key += "%2B";
            } else if (c == '%') {
                key += "%25";
            } else {
                key += c;
            }
        }
    }
    return key;
}

ConfigKey make_key(std::string_view tenant, std::string_view group, std::string_view data_id) {
    const std::string_view name = protocol::trimmed(tenant);
    return {std::string(name.empty() ? kPublicNamespace : name), std::string(protocol::trimmed(group)),
            std::string(protocol::trimmed(data_id))};
}

}  // namespace pharos::config
