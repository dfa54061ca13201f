#pragma once

#include <string>
#include <vector>

#include <pharos/spi/settings.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::cli {

/// A section of the settings: a part of the kernel, or a plugin.
struct SettingSection {
    std::string name;
    bool is_plugin = false;
    std::vector<spi::SettingSpec> specs;
};

/// All settings that there are: the kernel's sections in their order, then those of all plugin files beside the binary
/// by name. Error: a plugin file can't be loaded.
[[nodiscard]] spi::Result<std::vector<SettingSection>> list_settings();

/// "duration", "size", …
[[nodiscard]] std::string type_text(spi::SettingType type);
/// "1 to 64535"; empty for what has no limits.
[[nodiscard]] std::string limits_text(const spi::SettingSpec& spec);
/// The default as it is written in TOML.
[[nodiscard]] std::string toml_default(const spi::SettingSpec& spec);

/// docs/settings.md.
[[nodiscard]] std::string settings_markdown(const std::vector<SettingSection>& sections);
/// A TOML file of all defaults, commented out.
[[nodiscard]] std::string settings_toml(const std::vector<SettingSection>& sections);

}  // namespace pharos::cli
