#include "state/store_keys.hpp"

#include <algorithm>

namespace pharos::naming {

std::string store_key(std::string_view prefix, const ServiceKey& service) {
    std::string made(prefix);
    made += service.namespace_id;
    made += '\0';
    made += service.group;
    made += '\0';
    made += service.name;
    return made;
}

std::string store_key(std::string_view prefix, const ServiceKey& service, std::string_view tag) {
    std::string made = store_key(prefix, service);
    made += '\0';
    made += tag;
    return made;
}

std::string metadata_key(const ServiceKey& service) { return store_key("naming/service/", service); }

std::optional<StoreKeyParts> split_store_key(std::string_view rest, bool with_tag) {
    StoreKeyParts found;
    std::string* const parts[] = {&found.service.namespace_id, &found.service.group, &found.service.name, &found.tag};
    const std::size_t count = with_tag ? 4 : 3;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t end = i + 1 < count ? rest.find('\0') : rest.size();
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        *parts[i] = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return found;
}

std::string readable_store_key(std::string_view key) {
    std::string readable(key);
    std::replace(readable.begin(), readable.end(), '\0', '|');
    return readable;
}

}  // namespace pharos::naming
