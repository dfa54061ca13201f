#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

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

/// What the flags of `pharos server` hold as they are parsed.
struct ServerFlags {
    std::string config_file;
    std::string port;
    std::string data;
    std::string modules;
    std::vector<std::string> sets;
    bool open = false;
};

/// Adds the command `server` to a command line, which fills `flags`; they must live as long as it.
CLI::App& add_server_command(CLI::App& app, ServerFlags& flags);

/// Reads the command line of a server: `server` and its flags.
[[nodiscard]] std::variant<ServerOptions, Message> parse_options(int argc, const char* const* argv);

}  // namespace pharos::app
