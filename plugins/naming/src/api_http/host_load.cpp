#include "api_http/host_load.hpp"

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>

namespace pharos::naming {

namespace {

double rounded(double number) { return std::round(number * 10'000.0) / 10'000.0; }

/// The share of memory that could not be given to a new process.
double memory_in_use() {
    std::ifstream info("/proc/meminfo");
    std::string name;
    std::string unit;
    double kilobytes = 0.0;
    double total = 0.0;
    double available = 0.0;
    while (info >> name >> kilobytes && std::getline(info, unit)) {
        if (name == "MemTotal:") {
            total = kilobytes;
        } else if (name == "MemAvailable:") {
            available = kilobytes;
            break;
        }
    }
    return total > 0.0 ? 1.0 - available / total : 0.0;
}

}  // namespace

HostLoad::Figures HostLoad::read() {
    Figures figures;
    double minutes[1] = {0.0};
    if (getloadavg(minutes, 1) == 1) {
        figures.load = rounded(minutes[0]);
    }
    figures.memory = rounded(memory_in_use());
    // user nice system idle iowait irq softirq steal; what follows is part of the first two.
    std::ifstream stat("/proc/stat");
    std::string name;
    stat >> name;
    std::uint64_t total = 0;
    std::uint64_t idle = 0;
    std::uint64_t ticks = 0;
    for (std::size_t column = 0; column < 8 && stat >> ticks; ++column) {
        total += ticks;
        idle += column == 3 || column == 4 ? ticks : 0;
    }
    std::lock_guard lock(mutex_);
    if (total > total_) {
        figures.cpu = rounded(static_cast<double>(total - idle - busy_) / static_cast<double>(total - total_));
        busy_ = total - idle;
        total_ = total;
    }
    return figures;
}

}  // namespace pharos::naming
