#pragma once

#include <string>
#include <string_view>

#include <pharos/spi/status.hpp>

namespace pharos::cli {

/// The whole file; "-" is standard input.
[[nodiscard]] spi::Result<std::string> read_file(const std::string& path);
/// Replaces the file's content in one step, so that a reader sees the old or the new one; its permissions stay. What is
/// no regular file (a device, a pipe, a link) is written to.
[[nodiscard]] spi::Status write_file(const std::string& path, std::string_view content);

}  // namespace pharos::cli
