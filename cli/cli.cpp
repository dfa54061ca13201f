#include "cli/cli.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/options.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/config_api.hpp"
#include "cli/console.hpp"
#include "cli/namespace_api.hpp"
#include "cli/naming_api.hpp"
#include "cli/plugin_commands.hpp"

namespace pharos::cli {

namespace {

constexpr int kOk = 0;
constexpr int kRefused = 1;
constexpr int kWrongUsage = 2;
constexpr int kMissing = 3;

int exit_code_of(const spi::Status& status) {
    switch (status.code()) {
        case spi::Code::kOk: return kOk;
        case spi::Code::kInvalidArgument: return kWrongUsage;
        case spi::Code::kNotFound: return kMissing;
        default: return kRefused;
    }
}

/// The whole command line: the client commands, and `server` for help and completion.
struct CommandLine {
    CLI::App root{"Pharos: service registry and config centre that speaks the Nacos protocol.", "pharos"};
    app::ServerFlags server;
    Commands commands{root};

    CommandLine() {
        root.set_version_flag("--version", std::string("pharos ") + PHAROS_VERSION);
        root.footer(
            "'pharos help COMMAND' tells more of a command. Exit codes: 0 all is well, 1 the server said no or\n"
            "can't be reached, 2 wrong usage, 3 what was named is not there.");
        app::add_server_command(root, server);
        add_config_commands(commands);
        add_service_commands(commands);
        add_instance_commands(commands);
        add_namespace_commands(commands);
        add_store_commands(commands);
        add_plugin_commands(commands);
        add_status_command(commands);
        add_settings_command(commands);
        add_completion_command(commands);
        root.require_subcommand(1);
    }
};

/// The command that was named, as far as it was understood.
const CLI::App& named(const CLI::App& root) {
    const CLI::App* command = &root;
    while (!command->get_subcommands().empty()) {
        command = command->get_subcommands().back();
    }
    return *command;
}

/// "pharos config get".
std::string path_of(const CLI::App& command) {
    return command.get_parent() == nullptr ? command.get_name()
                                           : path_of(*command.get_parent()) + " " + command.get_name();
}

std::string wrong_usage(const CLI::App& command, const CLI::ParseError& error) {
    const std::string path = path_of(command);
    std::string names;
    for (const CLI::App* below : command.get_subcommands({})) {
        names += (names.empty() ? "" : ", ") + below->get_name();
    }
    const std::vector<std::string> left = command.remaining();
    std::string what = error.what();
    std::replace(what.begin(), what.end(), '\n', ' ');
    if (!names.empty()) {
        what = (left.empty() ? std::string("a command is missing") : "'" + left.front() + "' is not a command of it") +
               "; there are: " + names;
    }
    return path + ": " + what + "; '" + path + " --help' tells more";
}

int fail(const std::string& line, int code) {
    note(line);
    return code;
}

int parse_and_run(std::vector<std::string> words) {
    // `pharos help config get` is `pharos config get --help`.
    if (!words.empty() && words.front() == "help") {
        words.erase(words.begin());
        words.emplace_back("--help");
    }
    CommandLine line;
    if (words.empty()) {
        return fail(line.root.help(), kWrongUsage);
    }
    std::reverse(words.begin(), words.end());  // as the parser wants them
    try {
        line.root.parse(words);
    } catch (const CLI::CallForVersion& version) {
        print(std::string(version.what()) + "\n");
        return kOk;
    } catch (const CLI::CallForHelp&) {
        print(line.root.help());
        return kOk;
    } catch (const CLI::ParseError& error) {
        return fail(wrong_usage(named(line.root), error), kWrongUsage);
    }
    if (!line.commands.chosen()) {
        return fail(wrong_usage(named(line.root), CLI::RequiredError("a command")), kWrongUsage);
    }
    spi::Status status = line.commands.chosen()();
    if (const spi::Status written = finish_output(); status && !written) {
        status = written;
    }
    return status ? kOk : fail(path_of(named(line.root)) + ": " + status.message(), exit_code_of(status));
}

/// Names for completion, from the server that the words so far name. Whoever presses a key waits for this, so nothing
/// is tried for long, and what can't be known is not offered.
std::vector<std::string> names_from_server(NameKind kind, const Typed& typed) {
    const auto last = [&typed](std::string_view option, const char* variable) {
        std::string value;
        if (const char* given = variable == nullptr ? nullptr : std::getenv(variable)) {
            value = given;
        }
        for (const auto& [name, text] : typed) {
            value = name == option ? text : value;
        }
        return value;
    };
    const std::string where = last("--server", "PHAROS_SERVER");
    const spi::Result<Endpoint> endpoint = parse_endpoint(where.empty() ? "127.0.0.1:8848" : where);
    if (!endpoint) {
        return {};
    }
    Server server(endpoint.value(), {last("--user", "PHAROS_USER"), last("--password", "PHAROS_PASSWORD"),
                                     last("--token", "PHAROS_TOKEN")});
    server.set_patience(std::chrono::milliseconds(1000));
    const std::string given = last("--namespace", "PHAROS_NAMESPACE");
    const std::string id = given == "public" ? std::string() : given;
    const std::string group = last("--group", nullptr);
    const std::string one_group = group.empty() ? "DEFAULT_GROUP" : group;
    std::vector<std::string> names;
    switch (kind) {
        case NameKind::kConfig:
            if (const auto rows = ConfigApi(server).list(id, "", one_group)) {
                for (const ConfigRow& row : rows.value()) {
                    names.push_back(row.data_id);
                }
            }
            break;
        case NameKind::kService:
            if (const auto rows = NamingApi(server).services(id, "", one_group)) {
                for (const ServiceRow& row : rows.value()) {
                    names.push_back(row.name);
                }
            }
            break;
        case NameKind::kInstance:
            if (const auto rows = NamingApi(server).instances({last("SERVICE", nullptr), one_group, id})) {
                for (const Instance& row : rows.value()) {
                    names.push_back(row.address());
                }
            }
            break;
        case NameKind::kPlugin: names = plugin_names(server); break;
        case NameKind::kNamespace:
            if (const auto rows = NamespaceApi(server).list()) {
                for (const Namespace& row : rows.value()) {
                    names.push_back(row.id);
                }
            }
            break;
    }
    return names;
}

int print_candidates(const std::vector<std::string>& words) {
    CommandLine line;
    std::string out;
    for (const Candidate& candidate : complete(line.root, words, names_from_server)) {
        out += candidate.text + (candidate.help.empty() ? "" : "\t" + candidate.help) + "\n";
    }
    print(out);
    return kOk;
}

}  // namespace

int run(int argc, const char* const* argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (!words.empty() && words.front() == "__complete") {
        words.erase(words.begin());
        return print_candidates(words);
    }
    return parse_and_run(std::move(words));
}

void clear_client_variables() {
    for (const char* name : {"PHAROS_SERVER", "PHAROS_USER", "PHAROS_PASSWORD", "PHAROS_TOKEN", "PHAROS_NAMESPACE",
                             "PHAROS_EVENT", "PHAROS_DATA_ID", "PHAROS_GROUP", "PHAROS_MD5"}) {
        ::unsetenv(name);
    }
}

}  // namespace pharos::cli
