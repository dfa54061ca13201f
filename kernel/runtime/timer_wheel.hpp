#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include <pharos/spi/executor.hpp>

namespace pharos::runtime {

/// Hierarchical timer wheel: four wheels of 256 slots, the finest with a tick of 10 ms, so that arming, cancelling
/// and firing cost O(1) for timers of up to 497 days; longer ones are cut to that.
///
///     wheel 0: the next 2.56 s, a slot a tick        wheel 2: the next 46 h
///     wheel 1: the next 655 s, a slot 256 ticks      wheel 3: the rest
///
/// When the hand of a wheel has gone round, one slot of the next coarser wheel is spread over the finer ones.
/// Timers live in one vector and are linked by index; an id is index and generation, so stale ids cancel nothing.
/// advance() drives it by hand (tests); run() drives it from a thread that sleeps while no timer is near.
class TimerWheel final : public spi::Timers {
public:
    static constexpr spi::Duration kTick = std::chrono::milliseconds(10);

    explicit TimerWheel(const spi::Clock& clock);
    ~TimerWheel() { stop(); }
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    spi::TimerId after(spi::Duration delay, spi::Task task) noexcept override;
    bool cancel(spi::TimerId timer) noexcept override;

    /// Starts the timer thread.
    void run();
    /// Ends it; what has not fired never will.
    void stop() noexcept;
    /// Fires what is due now. For tests and the timer thread.
    void advance();

    [[nodiscard]] std::size_t armed() const;

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr std::size_t kWheels = 4;
    static constexpr std::size_t kSlots = 256;

    struct Node {
        std::uint32_t next = kNone;
        std::uint32_t previous = kNone;
        std::uint32_t generation = 1;
        std::uint32_t slot = kNone;  ///< wheel * kSlots + position, kNone when free
        std::uint64_t due = 0;       ///< tick
        spi::Task task;
    };

    [[nodiscard]] std::uint64_t now_tick() const noexcept;
    void link(std::uint32_t index) noexcept;
    void unlink(std::uint32_t index) noexcept;
    void cascade(std::size_t wheel) noexcept;
    /// Tick of the next moment at which something may be due; a coarse slot counts with its beginning.
    [[nodiscard]] std::uint64_t next_stop() const noexcept;
    void loop() noexcept;

    const spi::Clock& clock_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Node> nodes_;
    std::uint32_t free_ = kNone;
    std::array<std::uint32_t, kWheels * kSlots> slots_;
    std::uint64_t hand_;  ///< last tick that has been handled
    std::uint64_t sleeping_until_ = 0;
    std::size_t armed_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace pharos::runtime
