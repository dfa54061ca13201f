#include <memory>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/config_api.hpp"
#include "cli/console.hpp"
#include "cli/diff.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

struct Arguments {
    std::string data_id;
    std::string show;
    std::string diff;
    std::size_t limit = 20;
};

void write_entry(JsonWriter& json, const HistoryEntry& entry) {
    json.member("nid", entry.id).member("time", entry.time_ms).member("operation", entry.operation);
    json.member("user", entry.user).member("ip", entry.ip).member("md5", entry.md5);
    json.member("publishType", entry.publish_type);
}

spi::Status print_entry(const HistoryEntry& entry, bool as_json) {
    if (!as_json) {
        print(entry.content);
        return {};
    }
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    write_entry(json, entry);
    json.member("content", entry.content).end_object();
    print(out + "\n");
    return {};
}

spi::Status print_change(ConfigApi& api, const ConfigKey& key, const HistoryEntry& entry, bool as_json) {
    const spi::Result<Config> now = api.get(key);
    if (!now && now.error().code() != spi::Code::kNotFound) {
        return now.error();
    }
    const std::string present = now ? now.value().content : std::string();
    const std::string diff = unified_diff(entry.content, present, key.data_id + " version " + entry.id,
                                          key.data_id + (now ? " now" : " (removed)"));
    if (as_json) {
        std::string out;
        JsonWriter json(out);
        json.begin_object();
        write_entry(json, entry);
        json.member("diff", diff).end_object();
        print(out + "\n");
    } else if (diff.empty()) {
        note("version " + entry.id + " is what is there now");
    } else {
        print_diff(diff);
    }
    return {};
}

spi::Status log(Commands& commands, const Arguments& arguments) {
    if (!arguments.show.empty() && !arguments.diff.empty()) {
        return {spi::Code::kInvalidArgument, "--show and --diff can't go together"};
    }
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ClientOptions& client = commands.client();
    ConfigApi api(server.value());
    const ConfigKey key{arguments.data_id, client.group_or_default(), client.wire_namespace()};
    if (const std::string& nid = arguments.show + arguments.diff; !nid.empty()) {
        const spi::Result<HistoryEntry> entry = api.history_entry(key, nid);
        if (!entry) {
            return entry.error();
        }
        return arguments.show.empty() ? print_change(api, key, entry.value(), client.json)
                                      : print_entry(entry.value(), client.json);
    }
    const spi::Result<std::vector<HistoryEntry>> entries = api.history(key, arguments.limit);
    if (!entries) {
        return entries.error();
    }
    if (client.json) {
        std::string out;
        JsonWriter json(out);
        json.begin_array();
        for (const HistoryEntry& entry : entries.value()) {
            json.begin_object();
            write_entry(json, entry);
            json.end_object();
        }
        json.end_array();
        print(out + "\n");
        return {};
    }
    Table table({"NID", "TIME", "OPERATION", "WHO", "FROM", "MD5"});
    for (const HistoryEntry& entry : entries.value()) {
        table.add({entry.id, local_time(entry.time_ms), entry.operation, entry.user, entry.ip, entry.md5});
    }
    if (table.empty()) {
        return {spi::Code::kNotFound, server.value().endpoint().text() + ": " + key.text() + " has no history"};
    }
    print(table, "");
    return {};
}

}  // namespace

void add_config_log(Commands& commands, CLI::App& config) {
    const auto arguments = std::make_shared<Arguments>();
    CLI::App& command =
        commands.add(config, "log", "Lists the versions of a config that are kept, newest first.",
                     "config log app.yaml --diff 17", [&commands, arguments] { return log(commands, *arguments); });
    command.add_option("DATA_ID", arguments->data_id, "The config.")->required();
    command.add_option("--show", arguments->show, "Prints the content that this version holds.")->type_name("NID");
    command.add_option("--diff", arguments->diff, "Prints what has changed from this version to now.")
        ->type_name("NID");
    command.add_option("--limit", arguments->limit, "At most so many versions.")
        ->type_name("COUNT")
        ->capture_default_str()
        ->check(CLI::Range(1, 10000));
    commands.take_namespace(command);
    commands.take_group(command, "Group; DEFAULT_GROUP when not given.");
    commands.take_server(command);
}

}  // namespace pharos::cli
