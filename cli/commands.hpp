#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <pharos/spi/status.hpp>

#include "cli/server.hpp"

namespace pharos::cli {

/// What the options of every command with a server hold.
struct ClientOptions {
    std::string server;
    std::string namespace_id;
    std::string group;
    std::string user;
    std::string password;
    std::string token;
    bool json = false;

    /// As it is sent: the public namespace is "", which all servers take.
    [[nodiscard]] std::string wire_namespace() const;
    [[nodiscard]] std::string group_or_default() const;
};

/// The command line: commands and what they do. Filled once, then parsed; one command runs.
class Commands {
public:
    using Action = std::function<spi::Status()>;

    explicit Commands(CLI::App& root) : root_(root) {}

    [[nodiscard]] CLI::App& root() noexcept { return root_; }
    [[nodiscard]] ClientOptions& client() noexcept { return client_; }

    /// A command that has commands below it.
    CLI::App& add_group(const std::string& name, const std::string& help);
    /// A command; the example is without "pharos".
    CLI::App& add(CLI::App& parent, const std::string& name, const std::string& help, const std::string& example,
                  Action action);

    /// Gives a command the options that all with a server have.
    void take_server(CLI::App& command);
    void take_namespace(CLI::App& command);
    void take_group(CLI::App& command, const std::string& help);
    void take_json(CLI::App& command);

    /// The server that the options name.
    spi::Result<Server> connect();
    /// What the parsed command is to do; empty when none was named.
    [[nodiscard]] const Action& chosen() const noexcept { return chosen_; }

private:
    CLI::App& root_;
    ClientOptions client_;
    Action chosen_;
};

void add_config_commands(Commands& commands);
void add_config_watch(Commands& commands, CLI::App& config);
void add_config_log(Commands& commands, CLI::App& config);
void add_service_commands(Commands& commands);
void add_instance_commands(Commands& commands);
void add_instance_watch(Commands& commands, CLI::App& instance);
void add_namespace_commands(Commands& commands);
void add_store_commands(Commands& commands);
void add_plugin_commands(Commands& commands);
void add_status_command(Commands& commands);
void add_settings_command(Commands& commands);
void add_completion_command(Commands& commands);

}  // namespace pharos::cli
