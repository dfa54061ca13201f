#include <cstdio>
#include <string_view>

#include "plugin/plugin_check.hpp"

namespace {

constexpr int kOk = 0;
constexpr int kFound = 1;
constexpr int kWrongUsage = 2;

constexpr const char* kHelp =
    "usage: pharos-plugin-check FILE.so...\n"
    "\n"
    "Says of each file whether it is a plugin that this version of Pharos runs, and what is against it: of its\n"
    "descriptor, toolchain, linking and visible symbols, of copies it brings of what may be there once, and whether a\n"
    "process survives loading it. One finding a line: 'ok', 'note: …' or 'error: …' after the file's name.\n"
    "\n"
    "Exit codes: 0 no errors, 1 an error in at least one file, 2 wrong usage.\n";

bool check(const char* file) {
    bool good = true;
    for (const pharos::plugin::Finding& finding : pharos::plugin::check_plugin(file)) {
        std::printf("%s: %s: %s\n", file, finding.is_error ? "error" : "note", finding.text.c_str());
        good = good && !finding.is_error;
    }
    if (good) {
        std::printf("%s: ok\n", file);
    }
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--help" || word == "-h") {
            std::fputs(kHelp, stdout);
            return kOk;
        }
        if (word == "--version") {
            std::puts("pharos-plugin-check " PHAROS_VERSION);
            return kOk;
        }
        if (word.starts_with('-')) {
            std::fprintf(stderr, "pharos-plugin-check: '%s' is not an option of it; --help tells more\n", argv[i]);
            return kWrongUsage;
        }
    }
    if (argc < 2) {
        std::fputs(kHelp, stderr);
        return kWrongUsage;
    }
    bool good = true;
    for (int i = 1; i < argc; ++i) {
        good = check(argv[i]) && good;
    }
    return good ? kOk : kFound;
}
