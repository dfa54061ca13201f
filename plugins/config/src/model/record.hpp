#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::config {

/// A config as it is stored (`protocol/config.md §1`).
template <class Text>
struct BasicRecord {
    Text content;
    Text md5;  ///< of the content's bytes, 32 lower-case hex digits
    Text type;
    Text app_name;
    Text tags;  ///< comma-separated
    Text description;
    Text use;
    Text effect;
    Text schema;
    Text encrypted_data_key;
    Text source_user;  ///< of the last change, as is the ip
    Text source_ip;
    std::int64_t created_ms = 0;
    std::int64_t modified_ms = 0;
    std::uint64_t id = 0;           ///< given once; 0 in records of version 1, see id_of()
    std::uint64_t last_change = 0;  ///< number of its newest row of history; 0 when there is none
};
using ConfigRecord = BasicRecord<std::string>;
/// Texts point into the stored bytes.
using RecordView = BasicRecord<std::string_view>;

/// Version byte 2; created, modified, id, last change of 64 bits each; then the texts (md5, type, appName, tags,
/// description, use, effect, schema, encrypted data key, user, ip, content), each after its length of 32 bits; all
/// numbers little endian.
[[nodiscard]] std::string encode(const RecordView& record);
[[nodiscard]] std::string encode(const ConfigRecord& record);
/// Nothing when the bytes are not exactly one record of version 1 (without id and last change) or 2.
[[nodiscard]] std::optional<RecordView> view_of(std::string_view bytes);
/// As view_of(), with texts of its own.
[[nodiscard]] std::optional<ConfigRecord> decode(std::string_view bytes);

[[nodiscard]] ConfigRecord copy_of(const RecordView& record);
[[nodiscard]] RecordView view_of(const ConfigRecord& record);

/// The config's id. A record of version 1 has the revision that it was written at, which the next change then keeps.
template <class Text>
[[nodiscard]] std::uint64_t id_of(const BasicRecord<Text>& record, std::uint64_t revision) noexcept {
    return record.id != 0 ? record.id : revision;
}

/// The known types; anything else is "text" (`protocol/config.md §1`). The views live as long as the program.
[[nodiscard]] std::string_view normalised_type(std::string_view type) noexcept;

/// 32 lower-case hex digits.
[[nodiscard]] std::string md5_hex(std::string_view bytes);

}  // namespace pharos::config
