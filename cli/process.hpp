#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::cli {

/// Runs a command with /bin/sh, the text on its standard input and these variables set, and waits for it. Its exit
/// code; 128 + n when signal n ended it. A command that does not read its input is no error.
[[nodiscard]] spi::Result<int> run_shell(const std::string& command, std::string_view input,
                                         const std::vector<std::pair<std::string, std::string>>& variables);

}  // namespace pharos::cli
