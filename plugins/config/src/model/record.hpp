#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::config {

/// A config as it is stored (`protocol/config.md §1`).
struct ConfigRecord {
    std::string content;
    std::string md5;  ///< of the content's bytes, 32 lower-case hex digits
    std::string type;
    std::string app_name;
    std::string tags;  ///< comma-separated
    std::string description;
    std::string use;
    std::string effect;
    std::string schema;
    std::string encrypted_data_key;
    std::string source_user;
    std::string source_ip;
    std::int64_t created_ms = 0;
    std::int64_t modified_ms = 0;
};

/// Version byte 1; two times of 64 bits; then the texts (md5, type, appName, tags, description, use, effect, schema,
/// encrypted data key, user, ip, content), each after its length of 32 bits; all numbers little endian.
[[nodiscard]] std::string encode(const ConfigRecord& record);
/// Nothing when the bytes are not exactly one record of a known version.
[[nodiscard]] std::optional<ConfigRecord> decode(std::string_view bytes);

/// The known types; anything else is "text" (`protocol/config.md §1`).
[[nodiscard]] std::string_view normalised_type(std::string_view type) noexcept;

/// 32 lower-case hex digits.
[[nodiscard]] std::string md5_hex(std::string_view bytes);

}  // namespace pharos::config
