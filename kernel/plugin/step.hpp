#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// How a step of a plugin went.
struct StepResult {
    spi::Status status;  ///< names plugin and step
    bool hung = false;   ///< it took longer than its deadline
    /// Its thread is still inside, for ever: after a hang, or after an exception that could not leave a noexcept
    /// function. What it uses must stay, and the process can't end by cleaning up.
    bool is_stuck = false;
    std::chrono::microseconds took{0};
};

/// Runs steps of plugins, one after the other, on a thread of its own: another one after a step that is stuck. For one
/// thread.
class StepRunner {
public:
    StepRunner() = default;
    StepRunner(const StepRunner&) = delete;
    StepRunner& operator=(const StepRunner&) = delete;
    ~StepRunner();

    /// Runs a step ("init") of a plugin, and waits at most for the deadline. An exception is an error, also one that a
    /// noexcept function throws: it would end the process, so the thread is stopped there instead.
    [[nodiscard]] StepResult run(const std::string& plugin, const std::string& step, std::chrono::milliseconds deadline,
                                 std::function<spi::Status()> body);

private:
    struct Queue;

    void start();

    std::shared_ptr<Queue> queue_;  ///< of the thread, which keeps it alive when it is left to itself
    std::thread thread_;
};

/// From now on a signal that ends the process (SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL) while a step of a plugin runs
/// on the thread that gets it first says which one, on standard error. What happens then is what happened before.
void note_crashes() noexcept;

}  // namespace pharos::plugin
