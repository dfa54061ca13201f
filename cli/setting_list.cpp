#include "cli/setting_list.hpp"

#include <pharos/sdk/json_writer.hpp>

#include "app/kernel_settings.hpp"
#include "plugin/library.hpp"
#include "settings/tree.hpp"
#include "settings/value.hpp"

namespace pharos::cli {

namespace {

using Type = spi::SettingType;

std::string toml_text(std::string_view text) {
    std::string out;
    sdk::JsonWriter::append_quoted(out, text);  // a TOML basic string has the escapes of JSON
    return out;
}

std::string number_text(Type type, std::int64_t number) {
    return number == 0 ? "0" : settings::format_number(type, number);
}

/// Text for a cell of a table.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '|' ? std::string("\\|") : std::string(1, c);
    }
    return out;
}

}  // namespace

spi::Result<std::vector<SettingSection>> list_settings() {
    std::vector<SettingSection> sections;
    for (const settings::Section& section : app::kernel_sections()) {
        sections.push_back({section.name, false, {section.specs.begin(), section.specs.end()}});
    }
    const std::vector<std::filesystem::path> directories{plugin::own_directory()};
    for (const std::string& name : plugin::list_libraries(directories)) {
        const spi::Result<std::filesystem::path> file = plugin::find_library(name, directories);
        if (!file) {
            return file.error();
        }
        const spi::Result<const spi::Descriptor*> descriptor = plugin::load_library(file.value());
        if (!descriptor) {
            return descriptor.error();
        }
        const spi::Descriptor& found = *descriptor.value();
        if (found.settings_count > 0) {
            sections.push_back({name, true, {found.settings, found.settings + found.settings_count}});
        }
    }
    return sections;
}

std::string type_text(Type type) {
    switch (type) {
        case Type::kBool: return "true or false";
        case Type::kInteger: return "number";
        case Type::kDuration: return "duration";
        case Type::kBytes: return "size";
        case Type::kString: return "text";
        case Type::kStringList: return "list";
    }
    return "text";
}

std::string limits_text(const spi::SettingSpec& spec) {
    switch (spec.type) {
        case Type::kInteger:
        case Type::kDuration:
        case Type::kBytes: return number_text(spec.type, spec.min) + " to " + number_text(spec.type, spec.max);
        default: return {};
    }
}

std::string toml_default(const spi::SettingSpec& spec) {
    switch (spec.type) {
        case Type::kBool:
        case Type::kInteger: return spec.default_value;
        case Type::kStringList: {
            const spi::Result<settings::Value> value = settings::parse_value(spec, spec.default_value);
            std::string out = "[";
            for (const std::string& item : value ? value.value().list : std::vector<std::string>{}) {
                out += (out.size() == 1 ? "" : ", ") + toml_text(item);
            }
            return out + "]";
        }
        default: return toml_text(spec.default_value);
    }
}

std::string settings_markdown(const std::vector<SettingSection>& sections) {
    std::string out =
        "# Settings\n\n"
        "All settings of the server, as `pharos settings --markdown` prints them. A setting is given in a TOML file\n"
        "(`pharos server --config FILE`), in the environment, or as a flag (`--set server.port=9000`); a flag wins "
        "over\n"
        "the environment, and the environment over the file. `pharos settings --toml` prints a file to start from.\n\n"
        "A duration is written `250us`, `150ms`, `20s`, `5m`, `1h` or `1d`; a size `512`, `64KiB`, `10MiB` or `1GiB`; "
        "a\n"
        "list as an array in TOML, and comma-separated elsewhere. A setting that does not exist, and a value that is "
        "not\n"
        "within its limits, stop the start with a line that names them.\n";
    for (const SettingSection& section : sections) {
        out += "\n## " + section.name + "\n\n";
        if (section.is_plugin) {
            out += "Of the plugin `" + section.name + "`.\n\n";
        }
        out += "| setting | type | default | limits | what it is | environment |\n|---|---|---|---|---|---|\n";
        for (const spi::SettingSpec& spec : section.specs) {
            const std::string key = section.name + "." + spec.key;
            out += "| `" + key + "` | " + type_text(spec.type) + " | `" + cell(toml_default(spec)) + "` | " +
                   limits_text(spec) + " | " + cell(spec.help) + " | `" + settings::environment_name(key) + "` |\n";
        }
    }
    return out;
}

std::string settings_toml(const std::vector<SettingSection>& sections) {
    std::string out =
        "# All settings of the server with their defaults. Take the # away before what you want to change.\n"
        "# pharos server --config FILE reads this; docs/settings.md says more.\n";
    for (const SettingSection& section : sections) {
        out += "\n[" + section.name + "]\n";
        for (const spi::SettingSpec& spec : section.specs) {
            const std::string limits = limits_text(spec);
            out += "# " + std::string(spec.help) + (limits.empty() ? "" : " " + limits + ".") + "\n";
            out += "#" + std::string(spec.key) + " = " + toml_default(spec) + "\n";
        }
    }
    return out;
}

}  // namespace pharos::cli
