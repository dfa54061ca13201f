#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// What matters of a plugin for the order of starts.
struct Dependencies {
    std::string name;
    std::vector<std::string> provides;
    std::vector<std::string> requires_;  ///< a trailing "?" = only if somebody provides it
    bool optional = false;               ///< is left out, instead of stopping the start, when something is missing
    std::string left_out;                ///< why it does not run; empty: it does
};

/// What a plugin requires and does not get, as a clause: "requires pharos.Store/1, which no enabled plugin provides". A
/// provider that is left out is named with its reason. Empty when nothing is missing.
[[nodiscard]] std::string missing_need(const std::vector<Dependencies>& all, const Dependencies& plugin);

/// Positions of those that run, in start order: everyone after all providers of what they require; otherwise as given.
/// Optional plugins that lack something, or require each other in a circle, are left out, which is noted. Errors, each
/// naming all that is needed to mend it: two of one name; a required interface that nobody provides; a circle.
[[nodiscard]] spi::Result<std::vector<std::size_t>> start_order(std::vector<Dependencies>& plugins);

}  // namespace pharos::plugin
