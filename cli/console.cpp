#include "cli/console.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace pharos::cli {

namespace {

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

/// 0 when standard output is no terminal, so that nothing is cut on the way to a file.
std::size_t terminal_width() {
    winsize size{};
    if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

spi::Result<std::string> read_line(const std::string& question) {
    if (isatty(STDIN_FILENO) == 0) {
        return spi::Status(spi::Code::kInvalidArgument, "there is no terminal to ask on");
    }
    std::fputs(question.c_str(), stderr);
    std::string line;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar()) {
        line += static_cast<char>(c);
    }
    return line;
}

}  // namespace

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void note(std::string_view line) { std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data()); }

void print(const Table& table, std::string_view if_empty) {
    if (table.empty()) {
        note(if_empty);
        return;
    }
    print(table.text(terminal_width()));
}

void print_diff(std::string_view diff) {
    if (!wants_colour()) {
        print(diff);
        return;
    }
    while (!diff.empty()) {
        const std::size_t end = std::min(diff.find('\n'), diff.size());
        const std::string_view line = diff.substr(0, end);
        const char* colour = line.starts_with('+')   ? "\x1b[32m"
                             : line.starts_with('-') ? "\x1b[31m"
                             : line.starts_with('@') ? "\x1b[36m"
                                                     : "";
        print(std::string(colour) + std::string(line) + (*colour != '\0' ? "\x1b[0m\n" : "\n"));
        diff.remove_prefix(std::min(end + 1, diff.size()));
    }
}

spi::Status finish_output() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        return {spi::Code::kUnavailable, std::string("standard output can't be written: ") + std::strerror(errno)};
    }
    return {};
}

bool wants_colour() {
    const char* terminal = std::getenv("TERM");
    return isatty(STDOUT_FILENO) != 0 && !is_set("NO_COLOR") && terminal != nullptr &&
           std::strcmp(terminal, "dumb") != 0;
}

spi::Result<bool> confirm(const std::string& question) {
    const spi::Result<std::string> answer = read_line(question + " [y/N] ");
    if (!answer) {
        return answer.error();
    }
    return answer.value() == "y" || answer.value() == "Y" || answer.value() == "yes";
}

spi::Result<std::string> ask_password(const std::string& question) {
    termios before{};
    const bool hidden = tcgetattr(STDIN_FILENO, &before) == 0;
    if (hidden) {
        termios silent = before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    spi::Result<std::string> line = read_line(question);
    if (hidden) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        std::fputc('\n', stderr);
    }
    return line;
}

}  // namespace pharos::cli
