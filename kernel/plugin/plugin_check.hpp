#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pharos::plugin {

/// One thing that pharos-plugin-check has to say of a file.
struct Finding {
    bool is_error = false;  ///< else a note
    std::string text;
};

/// Everything that can be said against a plugin's file: what a server refuses (library.hpp), what it would put up with
/// but the rules for plugins do not, and last, when nothing else is wrong, whether a process survives loading it. Only
/// while this process has one thread.
[[nodiscard]] std::vector<Finding> check_plugin(const std::filesystem::path& file);

}  // namespace pharos::plugin
