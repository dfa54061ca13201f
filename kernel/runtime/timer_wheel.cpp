#include "runtime/timer_wheel.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "runtime/thread_pool.hpp"

namespace pharos::runtime {

namespace {
constexpr std::uint64_t kLongest = (std::uint64_t{1} << 32) - 1;
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
}  // namespace

TimerWheel::TimerWheel(const spi::Clock& clock) : clock_(clock), hand_(now_tick()) { slots_.fill(kNone); }

std::uint64_t TimerWheel::now_tick() const noexcept {
    return static_cast<std::uint64_t>(clock_.steady().count() / kTick.count());
}

spi::TimerId TimerWheel::after(spi::Duration delay, spi::Task task) noexcept {
    // Rounded up, and counted from a tick that has begun: a timer never fires early.
    const auto count = std::max<std::int64_t>(delay.count(), 0);
    const std::uint64_t ticks = static_cast<std::uint64_t>(count / kTick.count()) + 1;
    std::unique_lock lock(mutex_);
    std::uint32_t index = free_;
    if (index == kNone) {
        index = static_cast<std::uint32_t>(nodes_.size());
        nodes_.emplace_back();
    } else {
        free_ = nodes_[index].next;
    }
    Node& node = nodes_[index];
    node.task = std::move(task);
    node.due = std::max(now_tick() + std::min(ticks, kLongest), hand_ + 1);
    link(index);
    ++armed_;
    const spi::TimerId id = std::uint64_t{node.generation} << 32 | index;
    const bool wake = node.due < sleeping_until_;
    lock.unlock();
    if (wake) {
        wake_.notify_one();
    }
    return id;
}

bool TimerWheel::cancel(spi::TimerId timer) noexcept {
    spi::Task dropped;  // destroyed after the lock: it may own anything
    std::lock_guard lock(mutex_);
    const auto index = static_cast<std::uint32_t>(timer);
    if (index >= nodes_.size() || nodes_[index].generation != timer >> 32 || nodes_[index].slot == kNone) {
        return false;
    }
    unlink(index);
    Node& node = nodes_[index];
    dropped = std::move(node.task);
    ++node.generation;
    node.next = free_;
    free_ = index;
    --armed_;
    return true;
}

std::size_t TimerWheel::armed() const {
    std::lock_guard lock(mutex_);
    return armed_;
}

void TimerWheel::link(std::uint32_t index) noexcept {
    Node& node = nodes_[index];
    const std::uint64_t distance = std::min(node.due - hand_, kLongest);
    node.due = hand_ + distance;
    std::size_t wheel = 0;
    while (wheel + 1 < kWheels && distance >> (8 * (wheel + 1)) != 0) {
        ++wheel;
    }
    node.slot = static_cast<std::uint32_t>(wheel * kSlots + ((node.due >> (8 * wheel)) & (kSlots - 1)));
    node.previous = kNone;
    node.next = slots_[node.slot];
    if (node.next != kNone) {
        nodes_[node.next].previous = index;
    }
    slots_[node.slot] = index;
}

void TimerWheel::unlink(std::uint32_t index) noexcept {
    Node& node = nodes_[index];
    if (node.previous == kNone) {
        slots_[node.slot] = node.next;
    } else {
        nodes_[node.previous].next = node.next;
    }
    if (node.next != kNone) {
        nodes_[node.next].previous = node.previous;
    }
    node.slot = kNone;
}

void TimerWheel::cascade(std::size_t wheel) noexcept {
    const std::size_t slot = wheel * kSlots + ((hand_ >> (8 * wheel)) & (kSlots - 1));
    std::uint32_t index = slots_[slot];
    slots_[slot] = kNone;
    while (index != kNone) {
        const std::uint32_t next = nodes_[index].next;
        link(index);
        index = next;
    }
}

std::uint64_t TimerWheel::next_stop() const noexcept {
    if (armed_ == 0) {
        return kNever;
    }
    // The finest wheel up to where the next coarser slot is spread; then the coarser wheels' turns.
    std::uint64_t best = kNever;
    for (std::size_t wheel = 0; wheel < kWheels; ++wheel) {
        const std::uint64_t position = hand_ >> (8 * wheel);
        for (std::uint64_t step = 1; step <= kSlots; ++step) {
            if (slots_[wheel * kSlots + ((position + step) & (kSlots - 1))] != kNone) {
                best = std::min(best, (position + step) << (8 * wheel));
                break;
            }
        }
    }
    return best;
}

void TimerWheel::advance() {
    std::vector<spi::Task> due;
    {
        std::lock_guard lock(mutex_);
        const std::uint64_t now = now_tick();
        while (hand_ < now) {
            const std::uint64_t stop = next_stop();
            if (stop > now) {
                hand_ = now;  // nothing in between: skip
                break;
            }
            hand_ = stop;
            for (std::size_t wheel = kWheels - 1; wheel > 0; --wheel) {
                if ((hand_ & ((std::uint64_t{1} << (8 * wheel)) - 1)) == 0) {
                    cascade(wheel);
                }
            }
            std::uint32_t index = slots_[hand_ & (kSlots - 1)];
            while (index != kNone) {
                Node& node = nodes_[index];
                const std::uint32_t next = node.next;
                unlink(index);
                due.push_back(std::move(node.task));
                ++node.generation;
                node.next = free_;
                free_ = index;
                --armed_;
                index = next;
            }
        }
    }
    for (spi::Task& task : due) {
        task();
        task.reset();
    }
}

void TimerWheel::run() {
    thread_ = std::thread([this] {
        name_this_thread("timers");
        loop();
    });
}

void TimerWheel::loop() noexcept {
    for (;;) {
        advance();
        std::unique_lock lock(mutex_);
        if (stopping_) {
            return;
        }
        sleeping_until_ = next_stop();
        const std::uint64_t now = now_tick();
        if (sleeping_until_ == kNever) {
            wake_.wait(lock);
        } else if (sleeping_until_ > now) {
            wake_.wait_for(lock, kTick * static_cast<std::int64_t>(sleeping_until_ - now));
        }
        sleeping_until_ = 0;
    }
}

void TimerWheel::stop() noexcept {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

}  // namespace pharos::runtime
