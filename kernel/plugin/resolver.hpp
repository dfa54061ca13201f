#pragma once

#include <string>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// What matters of a plugin for the order of starts.
struct Dependencies {
    std::string name;
    std::vector<std::string> provides;
    std::vector<std::string> requires_;  ///< a trailing "?" = only if somebody provides it
};

/// Positions in start order: everyone after all providers of what they require; otherwise as given. Errors, each
/// naming all that is needed to mend it: two of one name; a required interface that nobody provides; a cycle.
[[nodiscard]] spi::Result<std::vector<std::size_t>> start_order(const std::vector<Dependencies>& plugins);

}  // namespace pharos::plugin
