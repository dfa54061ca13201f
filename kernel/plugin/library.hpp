#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <pharos/spi/plugin.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// Finds the file of a plugin: `<name>.so` in the first of the directories that has it. The error lists where it was
/// looked for and what is there.
[[nodiscard]] spi::Result<std::filesystem::path> find_library(const std::string& name,
                                                              const std::vector<std::filesystem::path>& directories);
/// Where an installation, or a build, has its own plugins: ../lib/pharos/plugins beside the binary.
[[nodiscard]] std::filesystem::path own_directory();
/// Names of all plugin files in the directories.
[[nodiscard]] std::vector<std::string> list_libraries(const std::vector<std::filesystem::path>& directories);

/// Loads a plugin's library, for ever, and gives its descriptor. Nothing of the plugin has been called yet, but its
/// static initialisers have run. Errors say what does not fit: no descriptor (seen before it is loaded), another SPI
/// version (the dynamic linker's words), another toolchain, another name than the file's.
[[nodiscard]] spi::Result<const spi::Descriptor*> load_library(const std::filesystem::path& file);

/// Text of the null-terminated list.
[[nodiscard]] std::vector<std::string> names_of(const spi::NameList& list);

}  // namespace pharos::plugin
