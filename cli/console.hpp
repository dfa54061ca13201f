#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <pharos/spi/status.hpp>

#include "cli/table.hpp"

namespace pharos::cli {

/// Writes to standard output. What can't be written is told by finish_output().
void print(std::string_view text);
/// A line on standard error, for what accompanies the output.
void note(std::string_view line);
/// The table, cut to the width of the terminal if it goes to one; nothing but `if_empty` on standard error when it has
/// no rows.
void print(const Table& table, std::string_view if_empty);
/// A unified diff, in colour when that is wanted.
void print_diff(std::string_view diff);
/// Flushes standard output; an error when something could not be written.
[[nodiscard]] spi::Status finish_output();

/// Standard output is a terminal that shows colours, and NO_COLOR is not set.
[[nodiscard]] bool wants_colour();
/// Asks on the terminal; true for y or yes. An error when there is nobody to ask.
[[nodiscard]] spi::Result<bool> confirm(const std::string& question);
/// Asks on the terminal without showing what is typed. An error when there is nobody to ask.
[[nodiscard]] spi::Result<std::string> ask_password(const std::string& question);

}  // namespace pharos::cli
