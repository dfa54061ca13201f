#pragma once

#include <string>
#include <vector>

#include "cli/server.hpp"

namespace pharos::cli {

/// Names of the plugins of a running server; empty when it does not say.
[[nodiscard]] std::vector<std::string> plugin_names(Server& server);

}  // namespace pharos::cli
