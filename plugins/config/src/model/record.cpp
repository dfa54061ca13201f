#include "model/record.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "model/bytes.hpp"

namespace pharos::config {

namespace {

constexpr char kWithoutId = 1;
constexpr char kVersion = 2;

/// Calls `each` with the same text of both records, in the order in which they are stored.
template <class From, class To, class Each>
void each_text(From& from, To& to, Each each) {
    each(from.md5, to.md5);
    each(from.type, to.type);
    each(from.app_name, to.app_name);
    each(from.tags, to.tags);
    each(from.description, to.description);
    each(from.use, to.use);
    each(from.effect, to.effect);
    each(from.schema, to.schema);
    each(from.encrypted_data_key, to.encrypted_data_key);
    each(from.source_user, to.source_user);
    each(from.source_ip, to.source_ip);
    each(from.content, to.content);
}

template <class To, class From>
To converted(const From& from) {
    To to;
    each_text(from, to, [](const auto& text, auto& copy) { copy = text; });
    to.created_ms = from.created_ms;
    to.modified_ms = from.modified_ms;
    to.id = from.id;
    to.last_change = from.last_change;
    return to;
}

}  // namespace

std::string encode(const RecordView& record) {
    std::string out;
    out.reserve(record.content.size() + 256);
    out += kVersion;
    append_number(out, static_cast<std::uint64_t>(record.created_ms));
    append_number(out, static_cast<std::uint64_t>(record.modified_ms));
    append_number(out, record.id);
    append_number(out, record.last_change);
    each_text(record, record, [&](std::string_view text, std::string_view) { append_text(out, text); });
    return out;
}

std::string encode(const ConfigRecord& record) { return encode(view_of(record)); }

std::optional<RecordView> view_of(std::string_view bytes) {
    if (bytes.empty() || (bytes.front() != kWithoutId && bytes.front() != kVersion)) {
        return std::nullopt;
    }
    ByteReader reader(bytes.substr(1));
    RecordView record;
    record.created_ms = static_cast<std::int64_t>(reader.number());
    record.modified_ms = static_cast<std::int64_t>(reader.number());
    if (bytes.front() == kVersion) {
        record.id = reader.number();
        record.last_change = reader.number();
    }
    each_text(record, record, [&](std::string_view& text, std::string_view&) { text = reader.text(); });
    return reader.ok() && reader.rest().empty() ? std::optional(record) : std::nullopt;
}

std::optional<ConfigRecord> decode(std::string_view bytes) {
    const std::optional<RecordView> view = view_of(bytes);
    return view ? std::optional(copy_of(*view)) : std::nullopt;
}

ConfigRecord copy_of(const RecordView& record) { return converted<ConfigRecord>(record); }

RecordView view_of(const ConfigRecord& record) { return converted<RecordView>(record); }

std::string_view normalised_type(std::string_view type) noexcept {
    constexpr std::array<std::string_view, 8> kKnown{"properties", "xml",  "json", "text",
                                                     "html",       "yaml", "toml", "unset"};
    const auto found = std::find(kKnown.begin(), kKnown.end(), type);
    return found == kKnown.end() ? "text" : *found;
}

std::string md5_hex(std::string_view bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest, &size, algorithm, nullptr);
    std::string text;
    text.reserve(32);
    for (unsigned i = 0; i < size; ++i) {
        text += kHex[digest[i] >> 4];
        text += kHex[digest[i] & 15];
    }
    return text;
}

}  // namespace pharos::config
