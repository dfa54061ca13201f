#include "model/record.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace pharos::config {

namespace {

constexpr char kVersion = 1;
constexpr std::size_t kLengthBytes = 4;

/// The texts of a record in the order in which they are stored.
constexpr std::string ConfigRecord::*kTexts[] = {
    &ConfigRecord::md5,         &ConfigRecord::type,        &ConfigRecord::app_name,
    &ConfigRecord::tags,        &ConfigRecord::description, &ConfigRecord::use,
    &ConfigRecord::effect,      &ConfigRecord::schema,      &ConfigRecord::encrypted_data_key,
    &ConfigRecord::source_user, &ConfigRecord::source_ip,   &ConfigRecord::content};

void append_number(std::string& out, std::uint64_t number, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
        out += static_cast<char>(number >> (8 * i) & 0xFF);
    }
}

std::uint64_t take_number(std::string_view& bytes, std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i) {
        number |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    bytes.remove_prefix(size);
    return number;
}

}  // namespace

std::string encode(const ConfigRecord& record) {
    std::string out;
    out.reserve(record.content.size() + 256);
    out += kVersion;
    append_number(out, static_cast<std::uint64_t>(record.created_ms), 8);
    append_number(out, static_cast<std::uint64_t>(record.modified_ms), 8);
    for (const auto member : kTexts) {
        append_number(out, (record.*member).size(), kLengthBytes);
        out += record.*member;
    }
    return out;
}

std::optional<ConfigRecord> decode(std::string_view bytes) {
    constexpr std::size_t kHead = 1 + 8 + 8;
    if (bytes.size() < kHead || bytes.front() != kVersion) {
        return std::nullopt;
    }
    bytes.remove_prefix(1);
    ConfigRecord record;
    record.created_ms = static_cast<std::int64_t>(take_number(bytes, 8));
    record.modified_ms = static_cast<std::int64_t>(take_number(bytes, 8));
    for (const auto member : kTexts) {
        if (bytes.size() < kLengthBytes) {
            return std::nullopt;
        }
        const std::uint64_t size = take_number(bytes, kLengthBytes);
        if (bytes.size() < size) {
            return std::nullopt;
        }
        record.*member = bytes.substr(0, size);
        bytes.remove_prefix(size);
    }
    return bytes.empty() ? std::optional(std::move(record)) : std::nullopt;
}

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
