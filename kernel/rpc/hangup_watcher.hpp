#pragma once

#include <cstdint>
#include <functional>
#include <thread>

namespace pharos::rpc {

/// One thread that waits for the ends of sockets which somebody else reads. Any thread.
class HangupWatcher {
public:
    /// `gone` is called with the key, on the watcher's thread, once per watched socket.
    explicit HangupWatcher(std::function<void(std::uint64_t key)> gone);
    ~HangupWatcher();
    HangupWatcher(const HangupWatcher&) = delete;
    HangupWatcher& operator=(const HangupWatcher&) = delete;

    /// False: no more descriptors can be watched. Closing the descriptor ends the watch.
    bool watch(int fd, std::uint64_t key) noexcept;

private:
    void loop() noexcept;

    std::function<void(std::uint64_t)> gone_;
    int epoll_;
    int wake_;
    std::thread thread_;
};

}  // namespace pharos::rpc
