#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <pharos/spi/plugin.hpp>
#include <pharos/spi/status.hpp>

#include "plugin/descriptor_check.hpp"
#include "plugin/file_trust.hpp"

namespace pharos::plugin {

/// Finds the file of a plugin: `<name>.so` in the one of the directories that has it. Errors list where it was looked
/// for and what is there, or the two files when two directories have one.
[[nodiscard]] spi::Result<std::filesystem::path> find_library(const std::string& name,
                                                              const std::vector<std::filesystem::path>& directories);
/// Where an installation, or a build, has its own plugins: ../lib/pharos/plugins beside the binary.
[[nodiscard]] std::filesystem::path own_directory();
/// Names of all plugin files in the directories.
[[nodiscard]] std::vector<std::string> list_libraries(const std::vector<std::filesystem::path>& directories);

/// A plugin's file and what is known of it without loading it.
struct Library {
    std::string name;                ///< as it was asked for
    std::filesystem::path file;      ///< as it was found; empty when it was not
    std::filesystem::path resolved;  ///< without symbolic links
    bool foreign = false;            ///< not in the server's own directory
    DescriptorText text;             ///< as far as it could be read
    spi::Status status;              ///< why it is refused; names the file
};

/// Looks at a plugin's file without running anything of it. Refuses what somebody else could have written
/// (file_trust.hpp), what is no shared library for this machine, wants an executable stack, has a descriptor that does
/// not fit (descriptor_check.hpp) or another name than the file's, and, of what is foreign, what brings copies of what
/// may be there once (own_copies.hpp).
[[nodiscard]] Library inspect_library(const std::filesystem::path& file, Owner owner);
/// Tries the foreign ones that nothing is known against in a process of its own (probe.hpp), and notes which are
/// refused. `meanwhile` is called while that process is at work. Only while this process has one thread.
void try_libraries(
    std::vector<Library>& libraries, std::chrono::milliseconds deadline,
    const std::function<void()>& meanwhile = [] {});
/// Loads it, for ever, and gives its descriptor. Its static initialisers run; nothing else of it has been called.
[[nodiscard]] spi::Result<const spi::Descriptor*> load_library(const Library& library);
/// All of these for a file of our own.
[[nodiscard]] spi::Result<const spi::Descriptor*> load_library(const std::filesystem::path& file);

/// Text of the null-terminated list.
[[nodiscard]] std::vector<std::string> names_of(const spi::NameList& list);

}  // namespace pharos::plugin
