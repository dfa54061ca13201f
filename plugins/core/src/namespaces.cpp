#include "namespaces.hpp"

#include <pharos/sdk/json_writer.hpp>

namespace pharos::core {

namespace {

constexpr std::string_view kPrefix = "namespace/";
constexpr char kVersion = 1;
constexpr int kQuota = 200;

void append_text(std::string& out, std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    for (int shift = 0; shift < 32; shift += 8) {
        out += static_cast<char>(size >> shift & 0xFF);
    }
    out += text;
}

std::optional<std::string_view> take_text(std::string_view& bytes) {
    if (bytes.size() < 4) {
        return std::nullopt;
    }
    std::uint32_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        size |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    bytes.remove_prefix(4);
    if (bytes.size() < size) {
        return std::nullopt;
    }
    const std::string_view text = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return text;
}

}  // namespace

std::string encode_namespace(std::string_view name, std::string_view description) {
    std::string out(1, kVersion);
    append_text(out, name);
    append_text(out, description);
    return out;
}

std::optional<NamespaceRecord> decode_namespace(std::string_view bytes) {
    if (bytes.empty() || bytes.front() != kVersion) {
        return std::nullopt;
    }
    bytes.remove_prefix(1);
    const std::optional<std::string_view> name = take_text(bytes);
    const std::optional<std::string_view> description = name ? take_text(bytes) : std::nullopt;
    if (!description || !bytes.empty()) {
        return std::nullopt;
    }
    return NamespaceRecord{*name, *description};
}

std::uint64_t Namespaces::config_count(std::string_view id) const {
    std::uint64_t count = 0;
    for (const spi::NamespaceUsage* usage : usages_) {
        count += usage->config_count(id);
    }
    return count;
}

spi::Result<std::vector<Namespace>> Namespaces::list() const {
    std::vector<Namespace> found;
    found.push_back({"public", "public", "Public Namespace", config_count("public"), true});
    if (store_ == nullptr) {
        return found;
    }
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_->snapshot();
    if (snapshot == nullptr) {
        return spi::Status(spi::Code::kUnavailable, "the store can't be read");
    }
    snapshot->scan(kPrefix, kPrefix, [&](std::string_view key, const spi::StoreValue& value) {
        if (const std::optional<NamespaceRecord> record = decode_namespace(value.value)) {
            const std::string_view id = key.substr(kPrefix.size());
            found.push_back({std::string(id), std::string(record->name), std::string(record->description),
                             config_count(id), false});
        }
        return true;
    });
    return found;
}

std::string namespaces_json(const std::vector<Namespace>& namespaces, std::string_view public_id) {
    std::string out;
    sdk::JsonWriter json(out);
    json.begin_array();
    for (const Namespace& one : namespaces) {
        json.begin_object().member("namespace", one.is_public ? public_id : std::string_view(one.id));
        json.member("namespaceShowName", one.name).member("namespaceDesc", one.description).member("quota", kQuota);
        json.member("configCount", one.config_count).member("type", one.is_public ? 0 : 2).end_object();
    }
    json.end_array();
    return out;
}

}  // namespace pharos::core
