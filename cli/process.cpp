#include "cli/process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pharos::cli {

namespace {

spi::Status failed(const char* what) {
    return {spi::Code::kUnavailable, std::string(what) + ": " + std::strerror(errno)};
}

/// Writes all, or as much as the reader takes before it ends.
void feed(int fd, std::string_view text) {
    struct sigaction ignore {};
    struct sigaction before {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before);
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            break;
        }
        text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    sigaction(SIGPIPE, &before, nullptr);
}

}  // namespace

spi::Result<int> run_shell(const std::string& command, std::string_view input,
                           const std::vector<std::pair<std::string, std::string>>& variables) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return failed("no pipe");
    }
    // Before the fork: the child may not allocate any more.
    for (const auto& [name, value] : variables) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    const pid_t child = ::fork();
    if (child < 0) {
        const spi::Status status = failed("no new process");
        ::close(ends[0]);
        ::close(ends[1]);
        return status;
    }
    if (child == 0) {
        ::dup2(ends[0], STDIN_FILENO);
        ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ::close(ends[0]);
    feed(ends[1], input);
    ::close(ends[1]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace pharos::cli
