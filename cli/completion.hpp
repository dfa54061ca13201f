#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace pharos::cli {

/// One thing that may stand where the cursor is.
struct Candidate {
    std::string text;
    std::string help;
    bool operator==(const Candidate&) const = default;
};

/// A candidate that stands for the names of files, which the shell knows best.
inline constexpr std::string_view kFiles = ":files";

/// What only a server knows.
enum class NameKind { kConfig, kService, kInstance, kNamespace, kPlugin };

/// What has been typed before the cursor, by option ("--group") or positional ("SERVICE").
using Typed = std::vector<std::pair<std::string, std::string>>;
using NameSource = std::function<std::vector<std::string>(NameKind, const Typed&)>;

/// What the last of the words can become; the words do not hold the program's name. Follows the commands and options of
/// `root`, so it knows whatever the parser knows.
[[nodiscard]] std::vector<Candidate> complete(const CLI::App& root, const std::vector<std::string>& words,
                                              const NameSource& names);

/// The script that a shell sources: bash, zsh or fish; empty for others.
[[nodiscard]] std::string_view completion_script(std::string_view shell) noexcept;

}  // namespace pharos::cli
