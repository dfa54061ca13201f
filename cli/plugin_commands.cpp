#include "cli/plugin_commands.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/json_reader.hpp"
#include "cli/reply_text.hpp"
#include "cli/setting_list.hpp"
#include "plugin/library.hpp"

namespace pharos::cli {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using sdk::JsonWriter;

constexpr auto kLoadDeadline = std::chrono::seconds(10);

struct Arguments {
    std::string directory;
    std::string plugin;
};

/// A plugin as a server or its file tells of it.
struct Plugin {
    std::string name;
    std::string version;
    std::string state;
    std::string provides;
    std::string requires_;
    std::string file;
    bool foreign = false;
    bool optional = false;
    std::string reason;
    std::int64_t start_micros = -1;  ///< -1: it has not been started
};

spi::Result<std::vector<Plugin>> ask(Server& server) {
    const spi::Result<HttpReply> reply = server.get_root("/plugins");
    if (!reply) {
        return reply.error();
    }
    if (reply.value().status == 404) {
        return spi::Status(spi::Code::kUnavailable, server.endpoint().text() + " has no list of plugins");
    }
    const spi::Result<json::value> data = data_of(reply.value());
    if (!data) {
        return data.error();
    }
    if (!data.value().is_array()) {
        return unexpected("a list of plugins", data.value());
    }
    std::vector<Plugin> plugins;
    for (const json::value& row : data.value().get_array()) {
        plugins.push_back({text_of(row, "name"), text_of(row, "version"), text_of(row, "state"),
                           text_of(row, "provides"), text_of(row, "requires"), text_of(row, "file"),
                           truth_of(row, "foreign"), truth_of(row, "optional"), text_of(row, "reason"),
                           number_of(row, "startMicros")});
    }
    return plugins;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ",") + name;
    }
    return text;
}

Plugin of_file(const plugin::Library& library) {
    return {library.name,
            library.text.version,
            library.status ? "fits" : "refused",
            joined(library.text.provides),
            joined(library.text.requires_),
            library.file.string(),
            library.foreign,
            false,
            library.status.message(),
            -1};
}

/// What the loader says of all files of a directory; those that it would try in another process are tried.
std::vector<Plugin> look(const std::string& directory) {
    std::vector<plugin::Library> libraries;
    for (const std::string& name : plugin::list_libraries({directory})) {
        libraries.push_back(plugin::inspect_library(fs::path(directory) / (name + ".so"), plugin::Owner::of_process()));
    }
    plugin::try_libraries(libraries, kLoadDeadline);
    std::vector<Plugin> plugins;
    for (const plugin::Library& library : libraries) {
        plugins.push_back(of_file(library));
    }
    return plugins;
}

std::string start_text(const Plugin& plugin) {
    if (plugin.start_micros < 0) {
        return {};
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(plugin.start_micros) / 1000);
    return text;
}

JsonWriter& write(JsonWriter& json, const Plugin& plugin) {
    json.begin_object().member("name", plugin.name).member("version", plugin.version);
    json.member("state", plugin.state).member("provides", plugin.provides).member("requires", plugin.requires_);
    json.member("file", plugin.file).member("foreign", plugin.foreign).member("optional", plugin.optional);
    json.member("reason", plugin.reason);
    if (plugin.start_micros >= 0) {
        json.member("startMicros", plugin.start_micros);
    }
    return json;
}

spi::Status list(Commands& commands, const Arguments& arguments) {
    std::vector<Plugin> plugins;
    if (!arguments.directory.empty()) {
        std::error_code error;
        if (!fs::is_directory(arguments.directory, error)) {
            return {spi::Code::kNotFound, "'" + arguments.directory + "' is no directory"};
        }
        plugins = look(arguments.directory);
    } else {
        spi::Result<Server> server = commands.connect();
        if (!server) {
            return server.error();
        }
        spi::Result<std::vector<Plugin>> asked = ask(server.value());
        if (!asked) {
            return asked.error();
        }
        plugins = std::move(asked.value());
    }
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_array();
        for (const Plugin& plugin : plugins) {
            write(json, plugin).end_object();
        }
        json.end_array();
        print(out + "\n");
        return {};
    }
    Table table({"NAME", "VERSION", "STATE", "START", "PROVIDES", "REASON"});
    for (const Plugin& plugin : plugins) {
        table.add({plugin.name, plugin.version, plugin.state, start_text(plugin), plugin.provides, plugin.reason});
    }
    print(table, "no plugins");
    return {};
}

std::string json_text(const Plugin& plugin, const plugin::Library* library) {
    std::string out;
    JsonWriter json(out);
    write(json, plugin);
    if (library != nullptr) {
        json.member("fingerprint", library->text.fingerprint).key("settings").begin_array();
        for (const plugin::DescriptorText::Setting& setting : library->text.settings) {
            json.begin_object().member("key", plugin.name + "." + setting.key).member("type", type_text(setting.type));
            json.member("default", setting.default_value).member("help", setting.help).end_object();
        }
        json.end_array();
    }
    json.end_object();
    return out + "\n";
}

std::string text(const Plugin& plugin, const plugin::Library* library) {
    std::string out;
    const auto line = [&out](const char* head, const std::string& value) {
        out += std::string(head) + (value.empty() ? "-" : one_line(value, 500)) + "\n";
    };
    line("plugin:      ", plugin.name + (plugin.optional ? " (optional)" : ""));
    line("version:     ", plugin.version);
    line("state:       ", plugin.state);
    if (!plugin.reason.empty()) {
        line("reason:      ", plugin.reason);
    }
    line("started in:  ", start_text(plugin));
    line("provides:    ", plugin.provides);
    line("requires:    ", plugin.requires_);
    line("file:        ", plugin.file + (plugin.foreign ? " (not of the server's own directory)" : ""));
    if (library != nullptr) {
        line("fingerprint: ", library->text.fingerprint);
    }
    return out;
}

Table setting_table(const plugin::Library& library) {
    Table table({"SETTING", "TYPE", "DEFAULT", "LIMITS", "WHAT IT IS"});
    for (const plugin::DescriptorText::Setting& setting : library.text.settings) {
        const spi::SettingSpec spec{setting.key.c_str(), setting.type, setting.default_value.c_str(),
                                    setting.min,         setting.max,  setting.help.c_str()};
        table.add({library.name + "." + setting.key, type_text(setting.type), setting.default_value, limits_text(spec),
                   setting.help});
    }
    return table;
}

spi::Status show(Commands& commands, const Plugin& plugin) {
    // A server on another machine has its files there.
    std::error_code error;
    std::unique_ptr<plugin::Library> library;
    if (!plugin.file.empty() && fs::exists(plugin.file, error)) {
        library = std::make_unique<plugin::Library>(plugin::inspect_library(plugin.file, plugin::Owner::of_process()));
    }
    if (commands.client().json) {
        print(json_text(plugin, library.get()));
        return {};
    }
    print(text(plugin, library.get()));
    if (library == nullptr) {
        note("its settings stand in its file, which is not on this machine");
    } else if (!library->text.settings.empty()) {
        print("\n");
        print(setting_table(*library), "");
    }
    return {};
}

spi::Status info(Commands& commands, const Arguments& arguments) {
    const fs::path file = arguments.plugin;
    if (file.has_parent_path() || file.extension() == ".so") {
        std::error_code error;
        if (!fs::exists(file, error)) {
            return {spi::Code::kNotFound, "there is no file '" + arguments.plugin + "'"};
        }
        std::vector<plugin::Library> libraries{
            plugin::inspect_library(fs::absolute(file), plugin::Owner::of_process())};
        plugin::try_libraries(libraries, kLoadDeadline);
        return show(commands, of_file(libraries.front()));
    }
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const spi::Result<std::vector<Plugin>> plugins = ask(server.value());
    if (!plugins) {
        return plugins.error();
    }
    std::vector<std::string> names;
    for (const Plugin& plugin : plugins.value()) {
        if (plugin.name == arguments.plugin) {
            return show(commands, plugin);
        }
        names.push_back(plugin.name);
    }
    return {spi::Code::kNotFound, server.value().endpoint().text() + " has no plugin '" + arguments.plugin +
                                      "'; there are: " + joined(names)};
}

}  // namespace

std::vector<std::string> plugin_names(Server& server) {
    std::vector<std::string> names;
    if (const spi::Result<std::vector<Plugin>> plugins = ask(server)) {
        for (const Plugin& plugin : plugins.value()) {
            names.push_back(plugin.name);
        }
    }
    return names;
}

void add_plugin_commands(Commands& commands) {
    CLI::App& group = commands.add_group("plugin", "Shows plugins, those that run and those that do not.");
    const auto arguments = std::make_shared<Arguments>();

    CLI::App& ls_command = commands.add(group, "ls", "Lists the plugins of a server, or of a directory.", "plugin ls",
                                        [&commands, arguments] { return list(commands, *arguments); });
    ls_command.add_option("--dir", arguments->directory,
                          "Instead of a server: the files of a directory, and what the loader says of each.");
    commands.take_server(ls_command);

    CLI::App& info_command = commands.add(group, "info", "Shows a plugin with its settings.", "plugin info naming",
                                          [&commands, arguments] { return info(commands, *arguments); });
    info_command.add_option("PLUGIN", arguments->plugin, "Its name, or its file, with a '/' or with .so at its end.")
        ->required();
    commands.take_server(info_command);
}

}  // namespace pharos::cli
