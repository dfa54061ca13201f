#include <memory>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/setting_list.hpp"
#include "settings/tree.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

struct Arguments {
    bool markdown = false;
    bool toml = false;
};

std::string settings_json(const std::vector<SettingSection>& sections) {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const SettingSection& section : sections) {
        for (const spi::SettingSpec& spec : section.specs) {
            const std::string key = section.name + "." + spec.key;
            json.begin_object().member("key", key).member("type", type_text(spec.type));
            json.member("default", spec.default_value).member("limits", limits_text(spec)).member("help", spec.help);
            json.member("environment", settings::environment_name(key)).end_object();
        }
    }
    json.end_array();
    return out + "\n";
}

spi::Status list(Commands& commands, const Arguments& arguments) {
    if (arguments.markdown + arguments.toml + commands.client().json > 1) {
        return {spi::Code::kInvalidArgument, "--markdown, --toml and --json can't go together"};
    }
    const spi::Result<std::vector<SettingSection>> sections = list_settings();
    if (!sections) {
        return sections.error();
    }
    if (arguments.markdown) {
        print(settings_markdown(sections.value()));
    } else if (arguments.toml) {
        print(settings_toml(sections.value()));
    } else if (commands.client().json) {
        print(settings_json(sections.value()));
    } else {
        Table table({"SETTING", "TYPE", "DEFAULT", "LIMITS", "ENVIRONMENT", "WHAT IT IS"});
        for (const SettingSection& section : sections.value()) {
            for (const spi::SettingSpec& spec : section.specs) {
                const std::string key = section.name + "." + spec.key;
                table.add({key, type_text(spec.type), spec.default_value, limits_text(spec),
                           settings::environment_name(key), spec.help});
            }
        }
        print(table, "");
    }
    return {};
}

}  // namespace

void add_settings_command(Commands& commands) {
    const auto arguments = std::make_shared<Arguments>();
    CLI::App& command =
        commands.add(commands.root(), "settings", "Lists every setting of the server and its plugins.",
                     "settings --toml > pharos.toml", [&commands, arguments] { return list(commands, *arguments); });
    command.add_flag("--markdown", arguments->markdown, "Prints docs/settings.md.");
    command.add_flag("--toml", arguments->toml, "Prints a commented example file.");
    commands.take_json(command);
}

}  // namespace pharos::cli
