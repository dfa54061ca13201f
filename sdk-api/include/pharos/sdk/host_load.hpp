#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace pharos::sdk {

/// Processor time of the whole machine since it started, in ticks.
struct CpuTimes {
    std::uint64_t busy = 0;
    std::uint64_t total = 0;
};

/// Reads the first line of /proc/stat.
[[nodiscard]] std::optional<CpuTimes> parse_cpu_times(std::string_view stat);

/// How busy the machine is. Any thread.
class HostLoad {
public:
    HostLoad();

    /// Runnable processes on average over the last minute.
    [[nodiscard]] static double load_average() noexcept;
    /// Share of the memory that could not be given to a new process: 0 to 1.
    [[nodiscard]] static double memory();
    /// Share of the time since the last reading, or since the start, in which processors were not idle: 0 to 1. What
    /// was read less than a second ago is told again.
    [[nodiscard]] double cpu();

private:
    std::mutex mutex_;
    CpuTimes last_;
    std::chrono::steady_clock::time_point read_at_;
    double share_ = 0;
};

}  // namespace pharos::sdk
