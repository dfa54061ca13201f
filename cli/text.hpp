#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pharos::cli {

/// Columns that UTF-8 text takes in a terminal: 2 for wide characters (CJK, emoji), 0 for combining ones, else 1.
[[nodiscard]] std::size_t display_width(std::string_view utf8) noexcept;
/// The text cut to at most `width` columns; what is cut ends with "…".
[[nodiscard]] std::string cut_to_width(std::string_view utf8, std::size_t width);

/// Whether the whole text matches a pattern in which `*` stands for any characters.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text) noexcept;

/// The config type that goes with the ending of a dataId (`protocol/config.md §1`); "text" when none does.
[[nodiscard]] std::string_view type_of_data_id(std::string_view data_id) noexcept;
/// The types that a config can have.
[[nodiscard]] const std::vector<std::string>& config_types();

/// Local time, "2026-01-31 08:15:42"; "-" for 0.
[[nodiscard]] std::string local_time(std::int64_t wall_ms);
/// Milliseconds since 1970 of "2026-11-23T02:51:14.396+00:00" or "Wed, 25 Nov 2026 08:00:00 GMT"; 0 when it is neither.
[[nodiscard]] std::int64_t parse_time(std::string_view text);

}  // namespace pharos::cli
