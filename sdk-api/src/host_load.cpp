#include <pharos/sdk/host_load.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string>

namespace pharos::sdk {

namespace {

CpuTimes read_cpu_times() {
    std::ifstream file("/proc/stat");
    std::string line;
    std::getline(file, line);
    return parse_cpu_times(line).value_or(CpuTimes{});
}

}  // namespace

std::optional<CpuTimes> parse_cpu_times(std::string_view stat) {
    // "cpu  user nice system idle iowait irq softirq steal …": guest times are part of user and nice already.
    constexpr std::string_view kHead = "cpu ";
    constexpr int kFields = 8;
    constexpr int kIdle = 3;
    constexpr int kIoWait = 4;
    if (!stat.starts_with(kHead)) {
        return std::nullopt;
    }
    stat = stat.substr(0, stat.find('\n')).substr(kHead.size());
    CpuTimes times;
    for (int field = 0; field < kFields; ++field) {
        stat.remove_prefix(std::min(stat.find_first_not_of(' '), stat.size()));
        std::uint64_t ticks = 0;
        const auto [end, error] = std::from_chars(stat.data(), stat.data() + stat.size(), ticks);
        if (error != std::errc{}) {
            return std::nullopt;
        }
        stat.remove_prefix(static_cast<std::size_t>(end - stat.data()));
        times.total += ticks;
        times.busy += field == kIdle || field == kIoWait ? 0 : ticks;
    }
    return times;
}

HostLoad::HostLoad() : last_(read_cpu_times()), read_at_(std::chrono::steady_clock::now()) {}

double HostLoad::load_average() noexcept {
    double averages[1] = {0};
    return getloadavg(averages, 1) == 1 ? averages[0] : 0;
}

double HostLoad::memory() {
    std::ifstream info("/proc/meminfo");
    std::string name;
    std::string unit;
    double kilobytes = 0;
    double total = 0;
    double available = 0;
    while (info >> name >> kilobytes && std::getline(info, unit)) {
        if (name == "MemTotal:") {
            total = kilobytes;
        } else if (name == "MemAvailable:") {
            available = kilobytes;
            break;
        }
    }
    return total > 0 ? 1 - available / total : 0;
}

double HostLoad::cpu() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - read_at_ >= std::chrono::seconds(1)) {
        const CpuTimes times = read_cpu_times();
        if (times.total > last_.total && times.busy >= last_.busy) {
            share_ = static_cast<double>(times.busy - last_.busy) / static_cast<double>(times.total - last_.total);
        }
        last_ = times;
        read_at_ = now;
    }
    return share_;
}

}  // namespace pharos::sdk
