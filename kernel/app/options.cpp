#include "app/options.hpp"

#include <CLI/CLI.hpp>

namespace pharos::app {

CLI::App& add_server_command(CLI::App& app, ServerFlags& flags) {
    CLI::App* server = app.add_subcommand("server", "Runs a server until it is told to stop.");
    server->footer("Example:\n  pharos server --data /var/lib/pharos");
    server->add_option("--config", flags.config_file, "TOML file with settings.")->check(CLI::ExistingFile);
    server->add_option("--port", flags.port, "HTTP port; gRPC is on it + 1000 (server.port, 8848).");
    server->add_option("--data", flags.data, "Directory for what is kept (server.data_dir).");
    server->add_option("--modules", flags.modules, "Comma-separated: naming, config (plugins.modules, both).");
    server->add_flag("--open", flags.open, "Allows to listen beyond this machine without login (security.open).");
    server->add_option("--set", flags.sets, "key=value for any setting; may be repeated.")->allow_extra_args(false);
    return *server;
}

std::variant<ServerOptions, Message> parse_options(int argc, const char* const* argv) {
    constexpr int kWrongUsage = 2;
    CLI::App app("Pharos: service registry and config centre that speaks the Nacos protocol.", "pharos");
    app.require_subcommand(1);
    ServerFlags flags;
    CLI::App& server = add_server_command(app, flags);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return Message{app.help(), 0};
    } catch (const CLI::ParseError& error) {
        return Message{"pharos: " + std::string(error.what()) + "\nTry 'pharos server --help'.\n", kWrongUsage};
    }

    ServerOptions options;
    options.config_file = flags.config_file;
    for (const std::string& text : flags.sets) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            return Message{"pharos: --set '" + text + "' is not key=value\n", kWrongUsage};
        }
        options.overrides.push_back({text.substr(0, equals), text.substr(equals + 1), "--set"});
    }
    const auto take = [&](const char* flag, const char* key, const std::string& value) {
        if (server.count(flag) > 0) {
            options.overrides.push_back({key, value, flag});
        }
    };
    take("--port", "server.port", flags.port);
    take("--data", "server.data_dir", flags.data);
    take("--modules", "plugins.modules", flags.modules);
    take("--open", "security.open", flags.open ? "true" : "false");
    return options;
}

}  // namespace pharos::app
