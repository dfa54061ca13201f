#include <memory>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/namespace_api.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

struct Arguments {
    std::string id;
    std::string name;
    std::string description;
    bool yes = false;
};

void write(JsonWriter& json, const Namespace& one) {
    json.begin_object().member("namespace", one.id).member("name", one.name).member("description", one.description);
    json.member("configs", one.configs).member("quota", one.quota).end_object();
}

spi::Status list(Commands& commands) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const spi::Result<std::vector<Namespace>> all = NamespaceApi(server.value()).list();
    if (!all) {
        return all.error();
    }
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_array();
        for (const Namespace& one : all.value()) {
            write(json, one);
        }
        json.end_array();
        print(out + "\n");
        return {};
    }
    Table table({"NAMESPACE", "NAME", "CONFIGS", "DESCRIPTION"});
    for (const Namespace& one : all.value()) {
        table.add({one.id, one.name, std::to_string(one.configs), one.description});
    }
    print(table, "no namespaces");
    return {};
}

spi::Status show(Commands& commands, const Arguments& arguments) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const spi::Result<Namespace> found = NamespaceApi(server.value()).get(arguments.id);
    if (!found) {
        return found.error();
    }
    std::string out;
    if (commands.client().json) {
        JsonWriter json(out);
        write(json, found.value());
        out += '\n';
    } else {
        const Namespace& one = found.value();
        out = "namespace:   " + one.id + "\nname:        " + one.name +
              "\ndescription: " + (one.description.empty() ? "-" : one.description) +
              "\nconfigs:     " + std::to_string(one.configs) + "\nquota:       " + std::to_string(one.quota) + "\n";
    }
    print(out);
    return {};
}

spi::Status tell(Commands& commands, const char* what, const std::string& id) {
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_object().member("namespace", id).end_object();
        print(out + "\n");
    } else {
        note(std::string(what) + " namespace '" + id + "'");
    }
    return {};
}

spi::Status create(Commands& commands, const Arguments& arguments) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const spi::Status status =
        NamespaceApi(server.value())
            .create(arguments.id, arguments.name.empty() ? arguments.id : arguments.name, arguments.description);
    return status ? tell(commands, "made", arguments.id) : status;
}

spi::Status remove(Commands& commands, const Arguments& arguments) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    NamespaceApi api(server.value());
    const spi::Result<Namespace> found = api.get(arguments.id);
    if (!found) {
        return found.error();
    }
    if (!arguments.yes) {
        const spi::Result<bool> agreed =
            confirm("Remove namespace '" + arguments.id + "' (" + found.value().name + ")? It has " +
                    std::to_string(found.value().configs) + " configs; its configs and services stay, unlisted.");
        if (!agreed) {
            return {spi::Code::kInvalidArgument, agreed.error().message() + "; --yes removes without asking"};
        }
        if (!agreed.value()) {
            return {spi::Code::kDenied, "nothing removed"};
        }
    }
    const spi::Status status = api.remove(arguments.id);
    return status ? tell(commands, "removed", arguments.id) : status;
}

}  // namespace

void add_namespace_commands(Commands& commands) {
    CLI::App& group = commands.add_group("namespace", "Lists, makes and removes namespaces.");
    const auto arguments = std::make_shared<Arguments>();

    CLI::App& ls_command =
        commands.add(group, "ls", "Lists namespaces.", "namespace ls", [&commands] { return list(commands); });
    commands.take_server(ls_command);

    CLI::App& show_command = commands.add(group, "show", "Shows a namespace.", "namespace show dev",
                                          [&commands, arguments] { return show(commands, *arguments); });
    show_command.add_option("NAMESPACE", arguments->id, "Its id.")->required();
    commands.take_server(show_command);

    CLI::App& create_command =
        commands.add(group, "create", "Makes a namespace.", "namespace create dev --name Development",
                     [&commands, arguments] { return create(commands, *arguments); });
    create_command.add_option("NAMESPACE", arguments->id, "Its id: letters, digits, _ and -.")->required();
    create_command.add_option("--name", arguments->name, "The name that is shown; the id when not given.");
    create_command.add_option("--desc", arguments->description, "Description.");
    commands.take_server(create_command);

    CLI::App& rm_command =
        commands.add(group, "rm", "Removes a namespace; its configs and services stay.", "namespace rm dev --yes",
                     [&commands, arguments] { return remove(commands, *arguments); });
    rm_command.add_option("NAMESPACE", arguments->id, "Its id.")->required();
    rm_command.add_flag("-y,--yes", arguments->yes, "Removes without asking.");
    commands.take_server(rm_command);
}

}  // namespace pharos::cli
