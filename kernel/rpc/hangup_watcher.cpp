#include "rpc/hangup_watcher.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace pharos::rpc {

namespace {

constexpr std::uint64_t kStop = 0;

}  // namespace

HangupWatcher::HangupWatcher(std::function<void(std::uint64_t)> gone)
    : gone_(std::move(gone)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kStop;
    if (epoll_ < 0 || wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll for rpc connections");
    }
    thread_ = std::thread([this] { loop(); });
    ::pthread_setname_np(thread_.native_handle(), "rpc-watch");
}

HangupWatcher::~HangupWatcher() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
    thread_.join();
    ::close(wake_);
    ::close(epoll_);
}

bool HangupWatcher::watch(int fd, std::uint64_t key) noexcept {
    epoll_event event{};
    event.events = EPOLLRDHUP | EPOLLONESHOT;  // HUP and ERR are always told
    event.data.u64 = key;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void HangupWatcher::loop() noexcept {
    epoll_event events[64];
    for (;;) {
        const int count = ::epoll_wait(epoll_, events, 64, -1);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.u64 == kStop) {
                return;
            }
            gone_(events[i].data.u64);
        }
    }
}

}  // namespace pharos::rpc
