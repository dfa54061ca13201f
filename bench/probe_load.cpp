// What it costs to keep an eye on many targets: the engine of the plugin `health` and the kernel's sockets, as in a
// server, against listeners on as many loopback addresses, which one other process serves.
//
//     probe-load [--targets 50000] [--warm 20] [--seconds 60] [--settled] [--raw-only]
//
// --settled: all are probed every 5 s all the time; else at the intervals of the defaults, by which healthy targets end
// up at 1 s, or at what the engine's greatest rate leaves to so many: 5 s for 50,000.
//
// On loopback the system charges the other side's half of each connection to whoever sends the packet, so the raw cost
// of a connection is measured too, without any of our code, at the same rate: what is beyond it is ours.
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.hpp"
#include "net/plugin_net.hpp"
#include "observe/metrics_registry.hpp"
#include "runtime/executors.hpp"
#include "tcp/tcp_checker.hpp"

namespace {

using namespace pharos;
using namespace std::chrono_literals;

constexpr int kConnectionsPerTurn = 100;

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Processor time of this process's threads, by name.
std::map<std::string, double> cpu_of_threads() {
    std::map<std::string, double> all;
    DIR* const tasks = opendir("/proc/self/task");
    while (const dirent* const task = readdir(tasks)) {
        std::ifstream file(std::string("/proc/self/task/") + task->d_name + "/stat");
        std::string text((std::istreambuf_iterator<char>(file)), {});
        if (task->d_name[0] == '.' || std::atoi(task->d_name) == getpid()) {
            continue;  // the main thread only waits
        }
        const std::size_t open = text.find('(');
        const std::size_t close = text.rfind(')');
        if (open == std::string::npos || close == std::string::npos) {
            continue;
        }
        unsigned long user = 0;
        unsigned long system = 0;
        std::sscanf(text.c_str() + close + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
        all[text.substr(open + 1, close - open - 1)] +=
            static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    }
    closedir(tasks);
    return all;
}

std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    file >> total >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Accepts on every loopback address, in a process of its own.
class Listener {
public:
    Listener() {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        socklen_t size = sizeof address;
        if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 65535) != 0) {
            std::perror("listen");
            std::exit(1);
        }
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        child_ = fork();
        if (child_ == 0) {
            for (;;) {
                close(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
            }
        }
        close(fd);
    }
    ~Listener() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    std::uint16_t port_ = 0;
    pid_t child_ = 0;
};

/// One address for each target.
in_addr_t address_of(int number) { return htonl(0x7f010001u + static_cast<unsigned>(number)); }

/// Microseconds of processor time a connection takes when nothing but the system calls is done, this often a second.
double raw_cost(std::uint16_t port, int targets, double rate, std::chrono::seconds duration) {
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    const auto turn = std::chrono::duration<double>(kConnectionsPerTurn / rate);
    const auto began = std::chrono::steady_clock::now();
    const double before = cpu_seconds();
    int count = 0;
    for (int turns = 1; std::chrono::steady_clock::now() - began < duration; ++turns) {
        for (int i = 0; i < kConnectionsPerTurn; ++i) {
            const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            const linger at_once{1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(port);
            to.sin_addr.s_addr = address_of(count++ % targets);
            static_cast<void>(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to));
            epoll_event wanted{};
            wanted.events = EPOLLOUT;
            wanted.data.fd = fd;
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted);
        }
        for (int connected = 0; connected < kConnectionsPerTurn;) {
            epoll_event ready[kConnectionsPerTurn];
            const int events = epoll_wait(poll, ready, kConnectionsPerTurn, 1000);
            for (int i = 0; i < events; ++i) {
                int error = 0;
                socklen_t size = sizeof error;
                getsockopt(ready[i].data.fd, SOL_SOCKET, SO_ERROR, &error, &size);
                close(ready[i].data.fd);
            }
            connected += events > 0 ? events : kConnectionsPerTurn;
        }
        std::this_thread::sleep_until(began + turns * turn);
    }
    close(poll);
    return (cpu_seconds() - before) / count * 1e6;
}

class OneType final : public spi::ServiceRegistry {
public:
    explicit OneType(spi::HealthChecker& checker) : checker_(checker) {}

protected:
    spi::Result<spi::Registration> provide_raw(std::string_view, void*, spi::Properties) override {
        return spi::Registration();
    }
    [[nodiscard]] void* find_raw(std::string_view, const spi::Properties&) const override { return &checker_; }
    [[nodiscard]] std::vector<void*> all_raw(std::string_view) const override { return {}; }

private:
    spi::HealthChecker& checker_;
};

class NoLog final : public spi::Log {
public:
    [[nodiscard]] bool enabled(spi::LogLevel level) const noexcept override { return level >= spi::LogLevel::kWarn; }

protected:
    void write(spi::LogLevel, std::string_view event, const spi::LogField* fields,
               std::size_t count) noexcept override {
        std::string line(event);
        for (std::size_t i = 0; i < count; ++i) {
            line += " " + std::string(fields[i].key) + "=" + fields[i].value;
        }
        std::fprintf(stderr, "%s\n", line.c_str());
    }
};

struct Options {
    int targets = 50'000;
    std::chrono::seconds warm{20};
    std::chrono::seconds measured{60};
    bool settled = false;
    bool raw_only = false;
};

Options parse(int count, char** words) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const int number = i + 1 < count ? std::atoi(words[i + 1]) : 0;
        if (word == "--settled") {
            options.settled = true;
        } else if (word == "--raw-only") {
            options.raw_only = true;
        } else if (word == "--targets" && number > 0) {
            options.targets = number;
            ++i;
        } else if (word == "--warm" && number > 0) {
            options.warm = std::chrono::seconds(number);
            ++i;
        } else if (word == "--seconds" && number > 0) {
            options.measured = std::chrono::seconds(number);
            ++i;
        } else {
            std::fprintf(stderr, "probe-load [--targets N] [--warm S] [--seconds S] [--settled] [--raw-only]\n");
            std::exit(2);
        }
    }
    return options;
}

void measure(const Options& options, std::uint16_t port) {
    runtime::KernelExecutors executors(2, 1);
    observe::MetricsRegistry metrics;
    NoLog log;
    net::IoThreads io(1);
    net::PluginNet net(io, {"127.0.0.1"}, "");
    health::TcpChecker tcp(net);
    OneType services(tcp);
    health::Engine engine(services, executors, metrics, log, {.max_in_flight = 4096, .seed = 1});
    if (options.settled) {
        engine.set_policy({.tcp = {5s, 5s, 0.75}});
    }
    io.start();

    std::vector<std::unique_ptr<spi::HealthWatch>> watches;
    watches.reserve(static_cast<std::size_t>(options.targets));
    const std::size_t memory = resident_bytes();
    for (int i = 0; i < options.targets; ++i) {
        char ip[INET_ADDRSTRLEN];
        const in_addr address{address_of(i)};
        inet_ntop(AF_INET, &address, ip, sizeof ip);
        spi::CheckTarget target;
        target.name = "public DEFAULT_GROUP@@orders DEFAULT " + std::string(ip) + ":" + std::to_string(port);
        target.ip = ip;
        target.port = port;
        target.type = "TCP";
        watches.push_back(engine.watch(std::move(target), [](bool, std::string_view) {}));
    }
    const double bytes = static_cast<double>(resident_bytes() - memory) / options.targets;
    std::this_thread::sleep_for(options.warm);

    spi::Counter* outcomes[3];
    const char* const names[] = {"passed", "failed", "failed_now"};
    for (int i = 0; i < 3; ++i) {
        outcomes[i] = &metrics.counter("pharos_health_probes_total", "Probes that ended, by what they found.",
                                       {{"type", "TCP"}, {"outcome", names[i]}});
    }
    const std::uint64_t passed = outcomes[0]->value();
    const std::uint64_t failed = outcomes[1]->value() + outcomes[2]->value();
    const auto threads = cpu_of_threads();
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    double late = 0;
    double latest = 0;
    for (int i = 0; i < options.measured.count(); ++i) {
        std::this_thread::sleep_until(began + (i + 1) * 1s);
        const std::string text = metrics.exposition();
        const std::size_t at = text.find("\npharos_health_lateness_seconds ");
        const double lateness = at == std::string::npos ? 0 : std::atof(text.c_str() + text.find(' ', at + 1));
        late += lateness / static_cast<double>(options.measured.count());
        latest = std::max(latest, lateness);
    }
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const double used = cpu_seconds() - cpu;
    const double probes = static_cast<double>(outcomes[0]->value() - passed);
    const double failures = static_cast<double>(outcomes[1]->value() + outcomes[2]->value() - failed);
    const double rate = (probes + failures) / wall;
    const double each = used / (probes + failures) * 1e6;
    std::printf("targets %d, %s\n", options.targets, options.settled ? "every 5 s" : "defaults");
    std::printf("probes/s %.0f\nfailed %.0f\nCPU %% of a core %.1f\nCPU us/probe %.2f\n", rate, failures,
                100 * used / wall, each);
    std::printf("late ms, mean %.1f, worst second %.1f\nmemory bytes/target %.0f\n", late * 1e3, latest * 1e3, bytes);
    for (const auto& [name, time] : cpu_of_threads()) {
        const auto before = threads.find(name);
        std::printf("  thread %-12s %5.1f %%\n", name.c_str(),
                    100 * (time - (before == threads.end() ? 0 : before->second)) / wall);
    }
    watches.clear();
    engine.stop(5s);
    net.stop();
    io.stop();
    net.stop();
    executors.stop();
    const double raw = raw_cost(port, options.targets, rate, 10s);
    std::printf("raw connections at this rate: CPU us each %.2f, %% of a core %.1f\nbeyond raw: %.1f %%\n", raw,
                raw * rate / 1e4, (each - raw) * rate / 1e4);
}

}  // namespace

int main(int count, char** words) {
    const Options options = parse(count, words);
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const Listener listener;
    if (options.raw_only) {
        std::printf("raw connections: CPU us each %.2f\n", raw_cost(listener.port(), options.targets, 1e4, 10s));
        return 0;
    }
    measure(options, listener.port());
    return 0;
}
