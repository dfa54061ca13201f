#include "plugin/probe.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

namespace pharos::plugin {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostWords = 64 << 10;  ///< of what a child says that is kept
constexpr std::size_t kMostQuoted = 300;      ///< bytes of it in a message
constexpr char kLoaded = '\n';                ///< ends the report on a file; before it stands the linker's error
constexpr char kNextFile = '\0';              ///< in a child's words: what follows is said by the next file
constexpr int kChildIsDone = 0;

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

struct Pipe {
    int read = -1;
    int write = -1;

    bool open() noexcept {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            return false;
        }
        read = ends[0];
        write = ends[1];
        return true;
    }
    void close_write() noexcept { close(write); }
    ~Pipe() {
        close(read);
        close(write);
    }

private:
    static void close(int& end) noexcept {
        if (end >= 0) {
            ::close(std::exchange(end, -1));
        }
    }
};

void write_all(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written > 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            return;
        }
    }
}

/// In the child, which never returns: loads one after the other and reports each.
[[noreturn]] void load_and_report(const std::vector<std::filesystem::path>& files, std::size_t first, int report,
                                  int words) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::dup2(words, STDOUT_FILENO);
    ::dup2(words, STDERR_FILENO);
    for (std::size_t i = first; i < files.size(); ++i) {
        if (::dlopen(files[i].c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
            std::string error = ::dlerror();
            std::replace(error.begin(), error.end(), kLoaded, ' ');
            write_all(report, error);
        }
        write_all(words, {&kNextFile, 1});
        write_all(report, {&kLoaded, 1});
    }
    ::_exit(kChildIsDone);
}

/// What a child said, as part of one line.
std::string quoted(std::string_view words) {
    std::string text;
    for (const char c : words) {
        const bool blank = static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
        if (!blank) {
            text += c;
        } else if (!text.empty() && text.back() != ' ') {
            text += ' ';
        }
    }
    while (text.ends_with(' ')) {
        text.pop_back();
    }
    if (text.size() > kMostQuoted) {
        text = "…" + text.substr(text.size() - kMostQuoted);
    }
    return text.empty() ? std::string() : "; it said: " + text;
}

/// A child and what is heard of it.
class Child {
public:
    Child(const std::vector<std::filesystem::path>& files, std::size_t first) noexcept {
        if (!report_.open() || !words_.open()) {
            return;
        }
        std::fflush(nullptr);  // or a child that exits writes what waits in our buffers, too
        pid_ = ::fork();
        if (pid_ == 0) {
            load_and_report(files, first, report_.write, words_.write);
        }
        report_.close_write();
        words_.close_write();
    }

    [[nodiscard]] bool is_there() const noexcept { return pid_ > 0; }

    /// Hears the reports on at most `count` files, until the child has ended or one takes longer than the deadline.
    std::vector<spi::Status> listen(std::size_t count, std::chrono::milliseconds deadline) {
        std::vector<spi::Status> results;
        Clock::time_point until = Clock::now() + deadline;
        bool in_time = true;
        while (results.size() < count && !report_ended_ && in_time) {
            const std::size_t before = results.size();
            in_time = hear(until);
            take_reports(results);
            until = results.size() == before ? until : Clock::now() + deadline;
        }
        if (!in_time) {
            ::kill(pid_, SIGKILL);
        }
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        drain_words();
        if (results.size() < count) {
            results.push_back(in_time ? ended(status)
                                      : bad("has not been loaded after " + std::to_string(deadline.count()) +
                                            " ms: a static initialiser of it hangs" + quoted(last_words())));
        }
        return results;
    }

private:
    /// False when nothing came in time.
    bool hear(Clock::time_point until) {
        std::array<pollfd, 2> sources{pollfd{report_.read, POLLIN, 0},
                                      pollfd{words_ended_ ? -1 : words_.read, POLLIN, 0}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        const int ready = ::poll(sources.data(), sources.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (ready == 0) {
            return false;
        }
        if (sources[1].revents != 0) {
            words_ended_ = !read_some(words_.read, text_);
        }
        if (sources[0].revents != 0) {
            report_ended_ = !read_some(report_.read, said_);
        }
        return true;
    }

    void drain_words() {
        // A grandchild may hold the pipe open: only what is there is taken.
        ::fcntl(words_.read, F_SETFL, O_NONBLOCK);
        while (!words_ended_ && read_some(words_.read, text_)) {
        }
    }

    static bool read_some(int fd, std::string& out) {
        char buffer[4096];
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got > 0) {
            out.append(buffer, static_cast<std::size_t>(got));
            if (out.size() > kMostWords) {
                out.erase(0, out.size() - kMostWords);
            }
        }
        return got > 0 || (got < 0 && errno == EINTR);
    }

    void take_reports(std::vector<spi::Status>& results) {
        for (std::size_t end = said_.find(kLoaded); end != std::string::npos; end = said_.find(kLoaded)) {
            const std::string error = said_.substr(0, end);
            said_.erase(0, end + 1);
            results.push_back(error.empty() ? spi::Status() : bad("can't be loaded: " + error));
        }
    }

    [[nodiscard]] std::string_view last_words() const noexcept {
        return std::string_view(text_).substr(text_.rfind(kNextFile) + 1);  // npos + 1 is 0
    }

    spi::Status ended(int status) const {
        if (WIFSIGNALED(status)) {
            const int signal = WTERMSIG(status);
            return bad("ends the process that loads it, by signal " + std::to_string(signal) + " (" +
                       ::strsignal(signal) + ") in a static initialiser" + quoted(last_words()));
        }
        return bad("ends the process that loads it, by exit(" + std::to_string(WEXITSTATUS(status)) +
                   ") in a static initialiser" + quoted(last_words()));
    }

    Pipe report_;
    Pipe words_;
    pid_t pid_ = -1;
    std::string said_;
    std::string text_;
    bool report_ended_ = false;
    bool words_ended_ = false;
};

}  // namespace

std::vector<spi::Status> probe_libraries(const std::vector<std::filesystem::path>& files,
                                         std::chrono::milliseconds deadline, const std::function<void()>& meanwhile) {
    std::vector<spi::Status> results;
    bool is_first = true;
    while (results.size() < files.size()) {
        Child child(files, results.size());
        if (!child.is_there()) {
            const std::string why = ::strerror(errno);
            results.resize(files.size(), bad("can't be tried in a process of its own: " + why));
            break;
        }
        if (std::exchange(is_first, false)) {
            meanwhile();
        }
        for (spi::Status& status : child.listen(files.size() - results.size(), deadline)) {
            results.push_back(std::move(status));
        }
    }
    return results;
}

}  // namespace pharos::plugin
