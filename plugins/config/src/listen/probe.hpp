#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/status.hpp>

#include "model/config_key.hpp"

namespace pharos::config {

/// One line of a long poll: a config and the md5 that the client has of it.
struct Probe {
    ConfigKey key;
    std::string tenant;  ///< as the client wrote it, "" = none: replies use its notation (`protocol/config.md §1.2`)
    std::string md5;     ///< "" = the client has nothing
};

inline constexpr std::size_t kMaxProbes = 10'000;

/// Reads `Listening-Configs`, fully decoded (`protocol/config.md §2.4`). Error kInvalidArgument with the message for the
/// client: too many keys or words, or a name against the rules.
[[nodiscard]] spi::Result<std::vector<Probe>> parse_probes(std::string_view text);

/// Adds one changed config to a reply's body, URL-encoded: `dataId%02group[%02tenant]%01`.
void append_changed(std::string& body, const Probe& probe);

}  // namespace pharos::config
