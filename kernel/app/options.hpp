#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pharos::app {

/// `pharos server …`: where settings come from.
struct ServerOptions {
    std::string config_file;
    /// Full keys with values and the flag that gave them ("--port"), in the order of the command line.
    struct Override {
        std::string key;
        std::string value;
        std::string flag;
    };
    std::vector<Override> overrides;
};

/// Something to print instead of running, with the exit code: help and version (0) or wrong usage (2).
struct Message {
    std::string text;
    int exit_code = 0;
};

/// Reads the command line.
[[nodiscard]] std::variant<ServerOptions, Message> parse_options(int argc, const char* const* argv);

}  // namespace pharos::app
