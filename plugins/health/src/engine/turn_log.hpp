#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <utility>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>

namespace pharos::health {

/// Logs targets that turn, a line each, but no more than some a second: when a rack goes down, the first lines say
/// enough, and the next one says how many were left out. Any thread.
class TurnLog {
public:
    explicit TurnLog(spi::Log& log) : log_(log) {}

    void turned(std::string_view name, bool healthy, std::string_view reason, spi::Duration now) {
        std::int64_t omitted = 0;
        {
            std::lock_guard lock(mutex_);
            const std::int64_t second = now / std::chrono::seconds(1);
            room_ = std::min(kBurst, room_ + (second - second_) * kPerSecond);
            second_ = second;
            if (room_ == 0) {
                ++omitted_;
                return;
            }
            --room_;
            omitted = std::exchange(omitted_, 0);
        }
        if (omitted != 0) {
            log_.info("targets turned", spi::kv("not_logged", omitted));
        }
        if (healthy) {
            log_.info("target is healthy", spi::kv("target", name));
        } else {
            log_.warn("target is unhealthy", spi::kv("target", name), spi::kv("reason", reason));
        }
    }

private:
    static constexpr std::int64_t kPerSecond = 5;
    static constexpr std::int64_t kBurst = 50;

    spi::Log& log_;
    std::mutex mutex_;
    std::int64_t second_ = 0;
    std::int64_t room_ = kBurst;
    std::int64_t omitted_ = 0;
};

}  // namespace pharos::health
