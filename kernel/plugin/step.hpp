#pragma once

#include <chrono>
#include <functional>
#include <string>

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

/// Runs a step ("init") of a plugin on a thread of its own, and waits at most for the deadline. An exception is an
/// error, also one that a noexcept function throws: it would end the process, so the thread is stopped there instead.
[[nodiscard]] StepResult run_step(const std::string& plugin, const std::string& step,
                                  std::chrono::milliseconds deadline, std::function<spi::Status()> body);

/// From now on a signal that ends the process (SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL) while a step of a plugin runs
/// on the thread that gets it first says which one, on standard error. What happens then is what happened before.
void note_crashes() noexcept;

}  // namespace pharos::plugin
