#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <pharos/spi/function.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

using Duration = std::chrono::nanoseconds;

/// Told exactly once how an asynchronous call ended. Which thread calls it is said at each interface; it must not
/// block and must not throw.
template <class T>
using Completion = UniqueFunction<void(Result<T>)>;

/// Runs tasks. Made and owned by the kernel; lives longer than every plugin.
class Executor {
public:
    /// Queues a task. Never runs it in the call. Any thread. After shutdown the task is dropped.
    virtual void post(Task task) noexcept = 0;

protected:
    ~Executor() = default;
};

/// Time as the node sees it. Any thread. Tests replace it by hand-driven time.
class Clock {
public:
    /// Time since an arbitrary point; never goes back. For intervals.
    [[nodiscard]] virtual Duration steady() const noexcept = 0;
    /// Milliseconds since 1970-01-01 UTC; may jump. For what people and clients see.
    [[nodiscard]] virtual std::int64_t wall_ms() const noexcept = 0;

protected:
    ~Clock() = default;
};

/// One timer, never 0.
using TimerId = std::uint64_t;

/// A timer wheel with a tick of 10 ms; a timer costs no system object. Any thread.
class Timers {
public:
    /// Runs the task once, not before `delay` has passed, on the timer thread: the task must be short (post what is
    /// longer). A timer that its own task arms again is the way to repeat.
    virtual TimerId after(Duration delay, Task task) noexcept = 0;
    /// True: the task will not run. False: it has run, is running, or was cancelled.
    virtual bool cancel(TimerId timer) noexcept = 0;

protected:
    ~Timers() = default;
};

/// The kernel's threads. A plugin makes none of its own.
class Executors {
public:
    /// Pool for computing. Tasks must not block.
    virtual Executor& work() noexcept = 0;
    /// Pool for calls that block: files, DNS, fsync.
    virtual Executor& block() noexcept = 0;
    /// A thread of its own for the plugin, made, named, listed and joined by the kernel. The name has at most 15
    /// characters. Calls with one name give one thread.
    virtual Executor& dedicated(std::string_view name) noexcept = 0;
    virtual Timers& timers() noexcept = 0;
    virtual const Clock& clock() noexcept = 0;

protected:
    ~Executors() = default;
};

}  // namespace pharos::spi
