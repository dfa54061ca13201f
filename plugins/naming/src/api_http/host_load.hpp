#pragma once

#include <cstdint>
#include <mutex>

namespace pharos::naming {

/// How busy the machine is, as metrics show it (`protocol/naming.md §7.5`). Any thread.
class HostLoad {
public:
    struct Figures {
        double cpu = 0.0;     ///< busy share of all cores since the call before, 0 … 1
        double load = 0.0;    ///< tasks that ran or wanted to, over the last minute
        double memory = 0.0;  ///< used share, 0 … 1
    };
    [[nodiscard]] Figures read();

private:
    std::mutex mutex_;  ///< guards the two below
    std::uint64_t busy_ = 0;
    std::uint64_t total_ = 0;
};

}  // namespace pharos::naming
