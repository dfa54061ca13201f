#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// Loads libraries in a child process, to see whether their static initialisers let it live: here, one that throws,
/// aborts or crashes would end the server. One status a file, in order; an error is a clause that goes after the file's
/// name and says what ended the child, with its last words, or why the dynamic linker refuses the file.
///
/// One child loads them all; after one that dies, a new one goes on with the rest. Loading one may take `deadline`.
/// `meanwhile` is called while the first child is at work. It forks: only while the process has one thread.
[[nodiscard]] std::vector<spi::Status> probe_libraries(
    const std::vector<std::filesystem::path>& files, std::chrono::milliseconds deadline,
    const std::function<void()>& meanwhile = [] {});

}  // namespace pharos::plugin
