#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/key.hpp"

namespace pharos::config {

/// Rows of history by their number, and the numbers of each config's rows. Both are in the order of the changes.
inline constexpr std::string_view kHistoryPrefix = "config-history/";
inline constexpr std::string_view kChangesPrefix = "config-changes/";

/// What was done to a config.
enum class Operation : char { kInsert = 'I', kUpdate = 'U', kRemove = 'D' };

/// One change of a config (`protocol/config.md §5.2`): who made it, from where, when, and the config as it was before.
///
/// What the config became is not stored: it is in the next row, as what was before that, or it is the config itself.
/// An insertion therefore has no state of its own, and an update that left the content as it was has an empty one and
/// says so. A removal always has everything.
template <class Text>
struct BasicRow {
    Operation operation = Operation::kInsert;
    std::int64_t at_ms = 0;
    std::uint64_t config_id = 0;
    Text namespace_id;
    Text group;
    Text data_id;
    Text source_user;
    Text source_ip;
    Text gray_name;                ///< "" = of the formal config
    bool content_is_next = false;  ///< the content is that of the state after this change
    Text before;                   ///< bytes of the record that was replaced; "" = there was none
};
using HistoryRow = BasicRow<std::string>;
/// Texts point into the stored bytes.
using HistoryRowView = BasicRow<std::string_view>;

/// Version byte 1; the operation's letter; 1 when the content is the next one's, else 0; time and config id of 64 bits;
/// the texts (namespace, group, data id, user, ip, gray name), each after its length of 32 bits; the record to the end.
/// All numbers little endian.
[[nodiscard]] std::string encode(const HistoryRowView& row);
/// Nothing when the bytes are no row of a known version.
[[nodiscard]] std::optional<HistoryRowView> row_of(std::string_view bytes);

/// What the numbers of a config's rows are stored with, for lists and purges that need no more than that: the
/// operation's letter, time and config id of 64 bits, little endian.
struct ChangeMark {
    Operation operation = Operation::kInsert;
    std::int64_t at_ms = 0;
    std::uint64_t config_id = 0;
};
[[nodiscard]] std::string encode(const ChangeMark& mark);
[[nodiscard]] std::optional<ChangeMark> mark_of(std::string_view bytes);

[[nodiscard]] std::string history_key(std::uint64_t number);
/// Prefix of the numbers of this config's rows; `store_key` is the config's.
[[nodiscard]] std::string changes_prefix(std::string_view store_key);
[[nodiscard]] std::string change_key(std::string_view store_key, std::uint64_t number);

}  // namespace pharos::config
