#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::settings {

/// A value as somebody wrote it, with where: "pharos.toml:3", "--set" or "environment PHAROS_SERVER_PORT".
struct RawValue {
    std::string text;
    std::string origin;
};

/// What was given from outside, before any schema is known: full key to text. Flags win over the environment, the
/// environment over the file.
struct Raw {
    std::map<std::string, RawValue> values;
    /// PHAROS_… variables by name; they become keys when the schema is known.
    std::map<std::string, std::string> environment;
};

/// Reads a TOML file into `raw`: tables become dotted keys, arrays comma-separated text. Error: the file can't be
/// read, or is not TOML (with line and column), or holds a value that no setting can have.
[[nodiscard]] spi::Status read_toml(const std::string& path, Raw& raw);
/// The same of text that is there already; `origin` stands for the path.
[[nodiscard]] spi::Status parse_toml(std::string_view text, const std::string& origin, Raw& raw);
/// Takes the PHAROS_… variables of the process.
void read_environment(Raw& raw);

}  // namespace pharos::settings
