#include "cli/commands.hpp"

#include "cli/console.hpp"

namespace pharos::cli {

namespace {

constexpr const char* kServerGroup = "Server";

}  // namespace

std::string ClientOptions::wire_namespace() const { return namespace_id == "public" ? std::string() : namespace_id; }

std::string ClientOptions::group_or_default() const { return group.empty() ? "DEFAULT_GROUP" : group; }

CLI::App& Commands::add_group(const std::string& name, const std::string& help) {
    CLI::App* group = root_.add_subcommand(name, help);
    group->require_subcommand(1);
    return *group;
}

CLI::App& Commands::add(CLI::App& parent, const std::string& name, const std::string& help, const std::string& example,
                        Action action) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->footer("Example:\n  pharos " + example);
    command->final_callback([this, action = std::move(action)] { chosen_ = action; });
    return *command;
}

void Commands::take_server(CLI::App& command) {
    command.add_option("--server", client_.server, "HOST:PORT or URL of the server.")
        ->default_str("127.0.0.1:8848")
        ->envname("PHAROS_SERVER")
        ->group(kServerGroup);
    command.add_option("--user", client_.user, "User to log in as.")->envname("PHAROS_USER")->group(kServerGroup);
    command.add_option("--password", client_.password, "Password; better in the environment, or typed when asked for.")
        ->envname("PHAROS_PASSWORD")
        ->group(kServerGroup);
    command.add_option("--token", client_.token, "Access token, instead of a user.")
        ->envname("PHAROS_TOKEN")
        ->group(kServerGroup);
    take_json(command);
}

void Commands::take_namespace(CLI::App& command) {
    command.add_option("-n,--namespace", client_.namespace_id, "Namespace.")
        ->type_name("ID")
        ->default_str("public")
        ->envname("PHAROS_NAMESPACE");
}

void Commands::take_group(CLI::App& command, const std::string& help) {
    command.add_option("-g,--group", client_.group, help)->type_name("GROUP");
}

void Commands::take_json(CLI::App& command) { command.add_flag("--json", client_.json, "Prints JSON."); }

spi::Result<Server> Commands::connect() {
    const spi::Result<Endpoint> endpoint = parse_endpoint(client_.server.empty() ? "127.0.0.1:8848" : client_.server);
    if (!endpoint) {
        return endpoint.error();
    }
    if (!client_.user.empty() && client_.password.empty() && client_.token.empty()) {
        spi::Result<std::string> typed = ask_password("Password of " + client_.user + ": ");
        if (!typed) {
            return spi::Status(spi::Code::kInvalidArgument,
                               "--user needs a password: give PHAROS_PASSWORD or --password");
        }
        client_.password = std::move(typed.value());
    }
    return Server(endpoint.value(), {client_.user, client_.password, client_.token});
}

}  // namespace pharos::cli
