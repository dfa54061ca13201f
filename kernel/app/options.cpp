#include "app/options.hpp"

#include <CLI/CLI.hpp>

namespace pharos::app {

std::variant<ServerOptions, Message> parse_options(int argc, const char* const* argv) {
    constexpr int kWrongUsage = 2;
    CLI::App app("Pharos: service registry and config centre that speaks the Nacos protocol.", "pharos");
    app.set_version_flag("--version", std::string("pharos ") + PHAROS_VERSION);
    app.require_subcommand(1);

    ServerOptions options;
    std::string port;
    std::string data;
    std::string modules;
    std::vector<std::string> sets;
    bool open = false;
    CLI::App* server = app.add_subcommand("server", "Runs a server until it is told to stop.");
    server->add_option("--config", options.config_file, "TOML file with settings.")->check(CLI::ExistingFile);
    server->add_option("--port", port, "HTTP port; gRPC is on it + 1000 (server.port, 8848).");
    server->add_option("--data", data, "Directory for what is kept (server.data_dir).");
    server->add_option("--modules", modules, "Comma-separated: naming, config (plugins.modules, both).");
    server->add_flag("--open", open, "Allows to listen beyond this machine without login (security.open).");
    server->add_option("--set", sets, "key=value for any setting; may be repeated.")->allow_extra_args(false);

    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForVersion& version) {
        return Message{std::string(version.what()) + "\n", 0};
    } catch (const CLI::CallForHelp&) {
        return Message{(server->parsed() ? server : &app)->help(), 0};
    } catch (const CLI::ParseError& error) {
        return Message{"pharos: " + std::string(error.what()) + "\nTry 'pharos server --help'.\n", kWrongUsage};
    }

    for (const std::string& text : sets) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            return Message{"pharos: --set '" + text + "' is not key=value\n", kWrongUsage};
        }
        options.overrides.push_back({text.substr(0, equals), text.substr(equals + 1), "--set"});
    }
    const auto take = [&](const char* flag, const char* key, const std::string& value) {
        if (server->count(flag) > 0) {
            options.overrides.push_back({key, value, flag});
        }
    };
    take("--port", "server.port", port);
    take("--data", "server.data_dir", data);
    take("--modules", "plugins.modules", modules);
    take("--open", "security.open", open ? "true" : "false");
    return options;
}

}  // namespace pharos::app
