#include "map_guard.hpp"

#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

namespace pharos::storage_lmdb {

namespace {

// Globals, because a signal handler has nothing else. Written under the mutex; read by the handler, which may run at
// any time: a slot counts while its `begin` is set, and that is set last and cleared first.
struct Guarded {
    std::atomic<std::uintptr_t> begin{0};
    std::atomic<std::uintptr_t> end{0};
    char file[1024];
};
constinit Guarded g_guarded[MapGuard::kMaxGuards] = {};
constinit std::mutex g_mutex;
constinit bool g_installed = false;
constinit struct sigaction g_former = {};

constexpr std::string_view kAdvice =
    "; look at the disk, then 'pharos store verify', and 'pharos store restore' a backup";

/// A line put together without memory: as it must be in a signal handler.
class Line {
public:
    void add(std::string_view text) noexcept {
        const std::size_t size = std::min(text.size(), sizeof text_ - size_);
        std::memcpy(text_ + size_, text.data(), size);
        size_ += size;
    }
    void add(std::uint64_t number) noexcept {
        char digits[20];
        std::size_t at = sizeof digits;
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        add({digits + at, sizeof digits - at});
    }
    [[noreturn]] void end() noexcept {
        add("\n");
        for (std::size_t done = 0; done < size_;) {
            const ssize_t written = ::write(STDERR_FILENO, text_ + done, size_ - done);
            if (written <= 0) {
                break;
            }
            done += static_cast<std::size_t>(written);
        }
        ::_exit(kDamagedExit);
    }

private:
    char text_[2048];
    std::size_t size_ = 0;
};

void on_sigbus(int signal, siginfo_t* info, void* context) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    for (const Guarded& guarded : g_guarded) {
        const std::uintptr_t begin = guarded.begin.load(std::memory_order_acquire);
        if (info->si_code > 0 && begin != 0 && address >= begin && address < guarded.end) {
            Line line;
            line.add("pharos: the store's file ");
            line.add(std::string_view(guarded.file));
            line.add(" can't be read at byte ");
            line.add(address - begin);
            line.add(": it has become shorter, or its disk fails");
            line.add(kAdvice);
            line.end();
        }
    }
    if ((g_former.sa_flags & SA_SIGINFO) != 0) {
        g_former.sa_sigaction(signal, info, context);
    } else if (g_former.sa_handler != SIG_DFL && g_former.sa_handler != SIG_IGN) {
        g_former.sa_handler(signal);
    } else {
        // As if we had not been here: the access fails again when the handler returns, and a sent signal is sent again.
        ::signal(signal, SIG_DFL);
        if (info->si_code <= 0) {
            ::raise(signal);
        }
    }
}

}  // namespace

MapGuard::MapGuard(const void* begin, std::size_t size, const std::string& file) noexcept {
    const std::lock_guard lock(g_mutex);
    for (std::size_t i = 0; i < kMaxGuards && slot_ < 0; ++i) {
        if (g_guarded[i].begin == 0) {
            slot_ = static_cast<int>(i);
        }
    }
    if (slot_ < 0) {
        return;
    }
    Guarded& guarded = g_guarded[slot_];
    const std::size_t length = std::min(file.size(), sizeof guarded.file - 1);
    std::memcpy(guarded.file, file.data(), length);
    guarded.file[length] = '\0';
    guarded.end = reinterpret_cast<std::uintptr_t>(begin) + size;
    guarded.begin.store(reinterpret_cast<std::uintptr_t>(begin), std::memory_order_release);
    if (!g_installed) {
        struct sigaction action {};
        action.sa_sigaction = on_sigbus;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        g_installed = ::sigaction(SIGBUS, &action, &g_former) == 0;
    }
}

MapGuard::MapGuard(MapGuard&& other) noexcept : slot_(std::exchange(other.slot_, -1)) {}

MapGuard& MapGuard::operator=(MapGuard&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
}

MapGuard::~MapGuard() {
    if (slot_ >= 0) {
        const std::lock_guard lock(g_mutex);
        g_guarded[slot_].begin.store(0, std::memory_order_release);
    }
}

void end_damaged(std::string_view file, std::string_view what) noexcept {
    Line line;
    line.add("pharos: the store's file ");
    line.add(file);
    line.add(" is damaged: ");
    line.add(what);
    line.add(kAdvice);
    line.end();
}

}  // namespace pharos::storage_lmdb
