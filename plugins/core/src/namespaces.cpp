#include "namespaces.hpp"

#include <algorithm>
#include <random>

#include <pharos/protocol/checks.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::core {

namespace {

constexpr std::string_view kPrefix = "namespace/";
constexpr std::string_view kPublicDescription = "Default Namespace";
constexpr char kVersion = 1;
constexpr int kQuota = 200;
constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxDescription = 256;

std::string key_of(std::string_view id) { return std::string(kPrefix) + std::string(id); }

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

std::optional<std::string> to_owned(std::optional<std::string_view> text) {
    return text ? std::optional(std::string(*text)) : std::nullopt;
}

void write(sdk::JsonWriter& json, const Namespace& one, const NamespaceStyle& style) {
    json.begin_object().member("namespace", one.is_public() ? style.public_id : std::string_view(one.id));
    json.member("namespaceShowName", one.name).key("namespaceDesc");
    if (one.description) {
        json.value(*one.description);
    } else {
        json.null();
    }
    json.member("quota", kQuota).member("configCount", one.config_count);
    json.member("type", one.is_public() ? 0 : style.type).end_object();
}

}  // namespace

std::string encode_namespace(const NamespaceRecord& record) {
    std::string out(1, kVersion);
    append_text(out, record.name);
    out += record.description ? '\1' : '\0';
    append_text(out, record.description.value_or(std::string_view{}));
    return out;
}

std::optional<NamespaceRecord> decode_namespace(std::string_view bytes) {
    if (bytes.empty() || bytes.front() != kVersion) {
        return std::nullopt;
    }
    bytes.remove_prefix(1);
    const std::optional<std::string_view> name = take_text(bytes);
    if (!name || bytes.empty() || static_cast<unsigned char>(bytes.front()) > 1) {
        return std::nullopt;
    }
    const bool described = bytes.front() == 1;
    bytes.remove_prefix(1);
    const std::optional<std::string_view> description = take_text(bytes);
    if (!description || !bytes.empty()) {
        return std::nullopt;
    }
    return NamespaceRecord{*name, described ? description : std::nullopt};
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
    found.push_back(
        {std::string(kPublic), std::string(kPublic), std::string(kPublicDescription), config_count(kPublic)});
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
            found.push_back(
                {std::string(id), std::string(record->name), to_owned(record->description), config_count(id)});
        }
        return true;
    });
    return found;
}

spi::Result<Namespace> Namespaces::find(std::string_view id) const {
    if (id.empty() || id == kPublic) {
        return Namespace{std::string(kPublic), std::string(kPublic), std::string(kPublicDescription),
                         config_count(kPublic)};
    }
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_ == nullptr ? nullptr : store_->snapshot();
    if (store_ != nullptr && snapshot == nullptr) {
        return spi::Status(spi::Code::kUnavailable, "the store can't be read");
    }
    const auto value = snapshot == nullptr ? std::nullopt : snapshot->get(key_of(id));
    const auto record = value ? decode_namespace(value->value) : std::nullopt;
    if (!record) {
        return spi::Status(spi::Code::kNotFound, "namespaceId [ " + std::string(id) + " ] not exist");
    }
    return Namespace{std::string(id), std::string(record->name), to_owned(record->description), config_count(id)};
}

void Namespaces::commit(spi::StoreCommit commit, spi::Status when_not_held, spi::Completion<bool> done) const {
    if (store_ == nullptr) {
        return done(spi::Status(spi::Code::kUnavailable, "this node has no store to keep namespaces in"));
    }
    store_->commit(std::move(commit), [when_not_held = std::move(when_not_held),
                                       done = std::move(done)](spi::Result<spi::Revision> committed) mutable {
        if (committed) {
            done(true);
        } else {
            done(committed.error().code() == spi::Code::kConflict ? when_not_held : committed.error());
        }
    });
}

void Namespaces::create(std::string_view id, std::string_view name, std::optional<std::string_view> description,
                        spi::Completion<bool> done) const {
    spi::Status exists(spi::Code::kConflict, "namespaceId [" + std::string(id) + "] already exist");
    if (id == kPublic) {
        return done(std::move(exists));
    }
    spi::StoreCommit change;
    change.compares.push_back({key_of(id), spi::StoreCompare::Kind::kAbsent, 0});
    change.ops.push_back({key_of(id), encode_namespace({name, description})});
    commit(std::move(change), std::move(exists), std::move(done));
}

void Namespaces::update(std::string_view id, std::string_view name, std::optional<std::string_view> description,
                        spi::Completion<bool> done) const {
    if (id.empty() || id == kPublic) {
        return done(spi::Status(spi::Code::kDenied, "namespaceId [public] can't be changed"));
    }
    spi::StoreCommit change;
    change.compares.push_back({key_of(id), spi::StoreCompare::Kind::kPresent, 0});
    change.ops.push_back({key_of(id), encode_namespace({name, description})});
    commit(std::move(change), {spi::Code::kNotFound, "namespaceId [ " + std::string(id) + " ] not exist"},
           std::move(done));
}

void Namespaces::remove(std::string_view id, spi::Completion<bool> done) const {
    if (id.empty() || id == kPublic) {
        return done(spi::Status(spi::Code::kDenied, "namespaceId [public] can't be removed"));
    }
    spi::StoreCommit change;
    change.ops.push_back({key_of(id), std::nullopt});
    commit(std::move(change), {}, std::move(done));
}

std::optional<std::string> check_namespace_id(std::string_view id) {
    const bool plain = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (!plain) {
        return "namespaceId [" + std::string(id) + "] mismatch the pattern";
    }
    return id.size() > kMaxId ? std::optional("too long namespaceId, over " + std::to_string(kMaxId)) : std::nullopt;
}

std::optional<std::string> check_namespace_texts(std::string_view name, std::optional<std::string_view> description) {
    if (name.empty() || name.find_first_of("@#$%^&*") != std::string_view::npos) {
        return "namespaceName [" + std::string(name) + "] contains illegal char";
    }
    if (protocol::count_utf16_units(name) > kMaxName) {
        return "too long namespaceName, over " + std::to_string(kMaxName);
    }
    if (description && protocol::count_utf16_units(*description) > kMaxDescription) {
        return "too long namespaceDesc, over " + std::to_string(kMaxDescription);
    }
    return std::nullopt;
}

std::string random_namespace_id() {
    constexpr char kHex[] = "0123456789abcdef";
    constexpr std::string_view kForm = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";  // y: 8, 9, a or b
    std::random_device random;
    std::string id(kForm);
    for (char& c : id) {
        if (c == 'x') {
            c = kHex[random() & 15u];
        } else if (c == 'y') {
            c = kHex[8 + (random() & 3u)];
        }
    }
    return id;
}

std::string namespace_json(const Namespace& one, const NamespaceStyle& style) {
    std::string out;
    sdk::JsonWriter json(out);
    write(json, one, style);
    return out;
}

std::string namespaces_json(const std::vector<Namespace>& namespaces, const NamespaceStyle& style) {
    std::string out;
    sdk::JsonWriter json(out);
    json.begin_array();
    for (const Namespace& one : namespaces) {
        write(json, one, style);
    }
    json.end_array();
    return out;
}

}  // namespace pharos::core
