#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::cli {

/// IP and port of "10.0.0.1:8080" or "[fd00::1]:8080".
[[nodiscard]] spi::Result<std::pair<std::string, std::string>> parse_address(std::string_view text);
/// JSON of "key=value" texts; a key that is given twice keeps its last value.
[[nodiscard]] spi::Result<std::string> metadata_json(const std::vector<std::string>& pairs);

/// How long an instance without beats lives (`protocol/naming.md §4.1`).
struct Lifetime {
    std::chrono::milliseconds beat_interval{5000};
    std::chrono::milliseconds unhealthy_after{15000};
    std::chrono::milliseconds removed_after{30000};
};
/// The defaults, or what the metadata says in their place.
[[nodiscard]] Lifetime lifetime_of(const std::vector<std::string>& pairs);
/// "15 s", "500 ms".
[[nodiscard]] std::string in_words(std::chrono::milliseconds time);

}  // namespace pharos::cli
