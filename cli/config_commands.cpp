#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include <unistd.h>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/config_api.hpp"
#include "cli/console.hpp"
#include "cli/files.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

constexpr std::size_t kShortMd5 = 8;

ConfigKey key_of(const ClientOptions& client, const std::string& data_id) {
    return {data_id, client.group_or_default(), client.wire_namespace()};
}

void write_key(JsonWriter& json, const ConfigKey& key) {
    json.member("dataId", key.data_id).member("group", key.group);
    json.member("namespace", key.namespace_id.empty() ? "public" : key.namespace_id);
}

struct GetArguments {
    std::string data_id;
    std::string file;
    bool meta = false;
};

spi::Status get(Commands& commands, const GetArguments& arguments) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ConfigKey key = key_of(commands.client(), arguments.data_id);
    const spi::Result<Config> config = ConfigApi(server.value()).get(key);
    if (!config) {
        const bool missing = config.error().code() == spi::Code::kNotFound;
        return {config.error().code(),
                config.error().message() + (missing ? "; 'pharos config ls' lists what is there" : "")};
    }
    const Config& found = config.value();
    std::string out;
    if (commands.client().json) {
        JsonWriter json(out);
        json.begin_object();
        write_key(json, key);
        json.member("type", found.type).member("md5", found.md5).member("modified", found.modified_ms);
        if (!arguments.meta) {
            json.member("content", found.content);
        }
        json.end_object();
        out += '\n';
    } else if (arguments.meta) {
        out = "type:     " + found.type + "\nmd5:      " + found.md5 + "\nmodified: " + local_time(found.modified_ms) +
              "\nbytes:    " + std::to_string(found.content.size()) + "\n";
    } else {
        out = found.content;
    }
    if (!arguments.file.empty()) {
        return write_file(arguments.file, out);
    }
    print(out);
    return {};
}

struct SetArguments {
    std::string data_id;
    std::optional<std::string> content;
    std::string file;
    std::string type;
    std::string cas_md5;
    std::optional<std::string> description;
    std::optional<std::string> tags;
    std::optional<std::string> app;
};

spi::Status set(Commands& commands, const SetArguments& arguments) {
    NewConfig config{.content = {},
                     .type = arguments.type.empty() ? std::string(type_of_data_id(arguments.data_id)) : arguments.type,
                     .cas_md5 = arguments.cas_md5,
                     .description = arguments.description,
                     .tags = arguments.tags,
                     .app = arguments.app};
    if (arguments.content && !arguments.file.empty()) {
        return {spi::Code::kInvalidArgument, "give the content as an argument or with -f, not both"};
    }
    if (arguments.content) {
        config.content = *arguments.content;
    } else {
        if (arguments.file.empty() && isatty(STDIN_FILENO) != 0) {
            note("reading the content from the terminal; end it with Ctrl-D");
        }
        spi::Result<std::string> read = read_file(arguments.file.empty() ? "-" : arguments.file);
        if (!read) {
            return read.error();
        }
        config.content = std::move(read.value());
    }
    if (config.content.find_first_not_of(" \t\r\n") == std::string::npos) {
        return {spi::Code::kInvalidArgument, "the content is blank, which no server takes; 'pharos config rm' removes"};
    }
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ConfigKey key = key_of(commands.client(), arguments.data_id);
    if (const spi::Status status = ConfigApi(server.value()).publish(key, config); !status) {
        return status;
    }
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_object();
        write_key(json, key);
        json.member("type", config.type).member("bytes", config.content.size()).end_object();
        print(out + "\n");
    } else {
        note("published " + key.text() + " (" + config.type + ", " + std::to_string(config.content.size()) + " bytes)");
    }
    return {};
}

spi::Status list(Commands& commands, const std::string& pattern) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ClientOptions& client = commands.client();
    const spi::Result<std::vector<ConfigRow>> rows =
        ConfigApi(server.value()).list(client.wire_namespace(), pattern, client.group);
    if (!rows) {
        return rows.error();
    }
    if (client.json) {
        std::string out;
        JsonWriter json(out);
        json.begin_array();
        for (const ConfigRow& row : rows.value()) {
            json.begin_object();
            write_key(json, {row.data_id, row.group, client.wire_namespace()});
            json.member("type", row.type).member("md5", row.md5).member("modified", row.modified_ms).end_object();
        }
        json.end_array();
        print(out + "\n");
        return {};
    }
    Table table({"DATA ID", "GROUP", "TYPE", "MODIFIED", "MD5"});
    for (const ConfigRow& row : rows.value()) {
        table.add({row.data_id, row.group, row.type, local_time(row.modified_ms), row.md5.substr(0, kShortMd5)});
    }
    print(table, "no config matches");
    return {};
}

spi::Status remove(Commands& commands, const std::string& data_id) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    ConfigApi api(server.value());
    const ConfigKey key = key_of(commands.client(), data_id);
    // Servers say yes to the removal of what never was; whoever types a name wants to know.
    if (const spi::Result<Config> there = api.get(key); !there) {
        return there.error();
    }
    if (const spi::Status status = api.remove(key); !status) {
        return status;
    }
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_object();
        write_key(json, key);
        json.end_object();
        print(out + "\n");
    } else {
        note("removed " + key.text());
    }
    return {};
}

void take_all(Commands& commands, CLI::App& command, const std::string& group_help) {
    commands.take_namespace(command);
    commands.take_group(command, group_help);
    commands.take_server(command);
}

}  // namespace

void add_config_commands(Commands& commands) {
    CLI::App& config = commands.add_group("config", "Reads, publishes and follows configs.");
    const std::string one_group = "Group; DEFAULT_GROUP when not given.";

    const auto got = std::make_shared<GetArguments>();
    CLI::App& get_command =
        commands.add(config, "get", "Prints a config's content, byte for byte.", "config get app.yaml -o app.yaml",
                     [&commands, got] { return get(commands, *got); });
    get_command.add_option("DATA_ID", got->data_id, "The config.")->required();
    get_command.add_option("-o,--output", got->file, "Writes into this file instead.")->type_name("FILE");
    get_command.add_flag("--meta", got->meta, "Prints type, MD5, time and size instead of the content.");
    take_all(commands, get_command, one_group);

    const auto given = std::make_shared<SetArguments>();
    CLI::App& set_command =
        commands.add(config, "set", "Publishes a config: from the argument, from a file, or from standard input.",
                     "config set app.yaml -f app.yaml", [&commands, given] { return set(commands, *given); });
    set_command.add_option("DATA_ID", given->data_id, "The config.")->required();
    set_command.add_option("CONTENT", given->content, "Its new content.");
    set_command.add_option("-f,--file", given->file, "File with the content; - is standard input.")->type_name("FILE");
    set_command.add_option("--type", given->type, "Type; by the ending of DATA_ID when not given.")
        ->type_name("TYPE")
        ->check(CLI::IsMember(config_types()));
    set_command.add_option("--cas", given->cas_md5, "Publishes only if this is the MD5 of what is there.")
        ->type_name("MD5");
    set_command.add_option("--desc", given->description, "Description.");
    set_command.add_option("--tags", given->tags, "Tags, comma-separated.");
    set_command.add_option("--app", given->app, "Application that it belongs to.");
    take_all(commands, set_command, one_group);

    const auto pattern = std::make_shared<std::string>();
    CLI::App& ls_command = commands.add(config, "ls", "Lists configs.", "config ls 'app*' -g 'web*'",
                                        [&commands, pattern] { return list(commands, *pattern); });
    ls_command.add_option("PATTERN", *pattern, "Only those whose dataId matches; * stands for anything.");
    take_all(commands, ls_command, "Only those whose group matches; * stands for anything.");

    const auto removed = std::make_shared<std::string>();
    CLI::App& rm_command = commands.add(config, "rm", "Removes a config.", "config rm app.yaml",
                                        [&commands, removed] { return remove(commands, *removed); });
    rm_command.add_option("DATA_ID", *removed, "The config.")->required();
    take_all(commands, rm_command, one_group);

    add_config_log(commands, config);
    add_config_watch(commands, config);
}

}  // namespace pharos::cli
