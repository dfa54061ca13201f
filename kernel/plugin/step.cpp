#include "plugin/step.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

namespace pharos::plugin {

namespace {

spi::Status failed(std::string message) { return {spi::Code::kInternal, std::move(message)}; }

/// Waits a little for what mostly comes at once: many steps take less time than a thread to fall asleep and wake up.
/// Without giving way: on a busy machine that can take much longer than to sleep.
template <class Come>
void linger_for(const Come& come) {
    static const bool has_more_cores = std::thread::hardware_concurrency() > 1;
    constexpr std::chrono::microseconds kLongest{50};
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (has_more_cores && !come() && std::chrono::steady_clock::now() < until) {
    }
}

/// The outcome of a step; shared by who waits for it and who runs it, as a thread that hangs outlives the wait.
struct Step {
    std::string who;  ///< "plugin 'x' init"
    std::mutex mutex;
    std::condition_variable ended;
    std::atomic<bool> done{false};
    bool is_stuck = false;
    spi::Status status;

    void end(spi::Status outcome, bool stuck) {
        std::lock_guard lock(mutex);
        status = std::move(outcome);
        is_stuck = stuck;
        done = true;
        ended.notify_all();
    }
};

/// The step that this thread runs: for handlers, which are given nothing.
constinit thread_local Step* t_step = nullptr;

std::string text_of_current_exception() {
    try {
        if (std::current_exception() == nullptr) {
            return "called std::terminate";
        }
        throw;
    } catch (const std::exception& error) {
        return std::string("threw: ") + error.what();
    } catch (...) {
        return "threw something that is no std::exception";
    }
}

std::terminate_handler g_former_terminate = nullptr;

/// The step's functions are noexcept: an exception that would leave one comes here, with its frames still in place.
[[noreturn]] void on_terminate() {
    if (Step* const step = std::exchange(t_step, nullptr)) {
        step->end(failed(text_of_current_exception()), true);
        for (;;) {
            ::pause();  // there is nothing to return to
        }
    }
    g_former_terminate();
    std::abort();
}

/// A crash by too deep a recursion has no stack left for its handler.
class SignalStack {
public:
    SignalStack() : memory_(std::make_unique_for_overwrite<char[]>(kSize)) {
        stack_t stack{};
        stack.ss_sp = memory_.get();
        stack.ss_size = kSize;
        ::sigaltstack(&stack, nullptr);
    }
    ~SignalStack() {
        stack_t off{};
        off.ss_flags = SS_DISABLE;
        ::sigaltstack(&off, nullptr);
    }

private:
    static constexpr std::size_t kSize = 64 << 10;
    std::unique_ptr<char[]> memory_;
};

constexpr int kCrashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
constinit struct sigaction g_former[std::size(kCrashes)] = {};

/// Nothing here but what a signal handler may do.
void on_crash(int signal, siginfo_t* info, void*) noexcept {
    if (const Step* const step = t_step) {
        char line[256];
        std::size_t size = 0;
        const auto add = [&line, &size](std::string_view text) {
            const std::size_t count = std::min(text.size(), sizeof line - size);
            std::memcpy(line + size, text.data(), count);
            size += count;
        };
        const char digits[] = {static_cast<char>('0' + signal / 10), static_cast<char>('0' + signal % 10)};
        add("pharos: fatal: signal ");
        add(signal < 10 ? std::string_view(digits + 1, 1) : std::string_view(digits, 2));
        add(" in ");
        add(step->who);
        add("\n");
        static_cast<void>(!::write(STDERR_FILENO, line, size));
    }
    // As if we had not been here: the access fails again when this returns, and a sent signal is sent again.
    for (std::size_t i = 0; i < std::size(kCrashes); ++i) {
        if (kCrashes[i] == signal) {
            ::sigaction(signal, &g_former[i], nullptr);
        }
    }
    if (info->si_code <= 0) {
        ::raise(signal);
    }
}

void run_here(Step& step, const std::function<spi::Status()>& body) {
    t_step = &step;
    spi::Status status;
    try {
        status = body();
    } catch (...) {
        status = failed(text_of_current_exception());
    }
    t_step = nullptr;
    step.end(std::move(status), false);
}

}  // namespace

/// What the thread is to run next.
struct StepRunner::Queue {
    std::mutex mutex;
    std::condition_variable changed;
    std::function<void()> next;
    bool ended = false;
    std::atomic<bool> has_changed{false};  ///< since the thread looked

    void put(std::function<void()> task) {
        std::lock_guard lock(mutex);
        next = std::move(task);
        note_change();
    }
    void end() {
        std::lock_guard lock(mutex);
        ended = true;
        note_change();
    }
    void note_change() {
        has_changed = true;
        changed.notify_one();
    }
    void run_until_end() {
        const SignalStack stack;
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [this] { return ended || next; });
            if (ended) {
                return;
            }
            const auto task = std::exchange(next, nullptr);
            has_changed = false;
            lock.unlock();
            task();
            linger_for([this] { return has_changed.load(); });
            lock.lock();
        }
    }
};

void StepRunner::start() {
    static std::once_flag once;
    std::call_once(once, [] { g_former_terminate = std::set_terminate(on_terminate); });
    queue_ = std::make_shared<Queue>();
    thread_ = std::thread([queue = queue_] { queue->run_until_end(); });
}

StepRunner::~StepRunner() {
    if (thread_.joinable()) {
        queue_->end();
        thread_.join();
    }
}

StepResult StepRunner::run(const std::string& plugin, const std::string& name, std::chrono::milliseconds deadline,
                           std::function<spi::Status()> body) {
    if (!thread_.joinable()) {
        start();
    }
    const auto begun = std::chrono::steady_clock::now();
    const auto step = std::make_shared<Step>();
    step->who = "plugin '" + plugin + "' " + name;
    queue_->put([step, body = std::move(body)] { run_here(*step, body); });
    linger_for([&step] { return step->done.load(); });
    std::unique_lock lock(step->mutex);
    const bool in_time = step->ended.wait_for(lock, deadline, [&step] { return step->done.load(); });
    StepResult result;
    result.hung = !in_time;
    result.is_stuck = !in_time || step->is_stuck;
    if (!in_time) {
        result.status = failed(step->who + " has not ended after " + std::to_string(deadline.count()) + " ms");
    } else if (!step->status) {
        result.status = failed(step->who + " failed: " + step->status.message());
    }
    lock.unlock();
    if (result.is_stuck) {
        queue_->end();  // for the case that it comes back
        thread_.detach();
    }
    result.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    return result;
}

void note_crashes() noexcept {
    for (std::size_t i = 0; i < std::size(kCrashes); ++i) {
        struct sigaction action {};
        action.sa_sigaction = on_crash;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        ::sigemptyset(&action.sa_mask);
        ::sigaction(kCrashes[i], &action, &g_former[i]);
    }
}

}  // namespace pharos::plugin
