#include "observe/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pharos::observe {

namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    double total = 0;
    double resident = 0;
    file >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
    std::error_code error;
    const std::filesystem::directory_iterator all("/proc/self/fd", error);
    return error ? 0 : static_cast<double>(std::distance(all, std::filesystem::directory_iterator{}));
}

double most_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<double>(limit.rlim_cur);
}

}  // namespace

ProcessMetrics::ProcessMetrics(MetricsRegistry& metrics) {
    const double started = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    registrations_.push_back(
        metrics.counter_of("process_cpu_seconds_total", "Processor time taken, user and system.", {}, cpu_seconds));
    registrations_.push_back(
        metrics.gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", {}, resident_bytes));
    registrations_.push_back(metrics.gauge("process_open_fds", "Descriptors that are open.", {}, open_descriptors));
    registrations_.push_back(metrics.gauge("process_max_fds", "Descriptors that may be open.", {}, most_descriptors));
    registrations_.push_back(metrics.gauge("process_start_time_seconds", "When the server was started, since 1970.", {},
                                           [started] { return started; }));
}

}  // namespace pharos::observe
