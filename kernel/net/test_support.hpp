#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <pharos/spi/executor.hpp>

#include "net/accepted_socket.hpp"
#include "net/io_threads.hpp"

namespace pharos::net {

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A bound socket of this machine and its port.
inline std::pair<UniqueFd, std::uint16_t> bound_socket(int type, std::uint16_t port = 0) {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(port);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        return {UniqueFd(), 0};
    }
    socklen_t size = sizeof address;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return {std::move(fd), ntohs(address.sin_port)};
}

/// A port that refuses connections: it is bound, so that nobody else gets it, and nobody listens.
class RefusingPort {
public:
    RefusingPort() : bound_(bound_socket(SOCK_STREAM)) {}
    [[nodiscard]] std::uint16_t port() const noexcept { return bound_.second; }

private:
    std::pair<UniqueFd, std::uint16_t> bound_;
};

inline bool readable_within(int fd, int millis) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, millis) == 1;
}

/// Somebody who listens on loopback, with a thread of its own that serves one connection after the other.
class Peer {
public:
    using Serve = std::function<void(int fd)>;

    explicit Peer(Serve serve, std::uint16_t port = 0) : bound_(bound_socket(SOCK_STREAM, port)) {
        if (bound_.second == 0 || ::listen(bound_.first.get(), 128) != 0) {
            return;
        }
        thread_ = std::thread([this, serve = std::move(serve)] {
            while (!ended_) {
                if (readable_within(bound_.first.get(), 20)) {
                    const UniqueFd fd(::accept4(bound_.first.get(), nullptr, nullptr, SOCK_CLOEXEC));
                    if (fd.get() >= 0) {
                        ++accepted;
                        serve(fd.get());
                    }
                }
            }
        });
    }
    ~Peer() {
        ended_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return bound_.second; }
    [[nodiscard]] bool ended() const noexcept { return ended_; }

    std::atomic<int> accepted{0};

private:
    std::pair<UniqueFd, std::uint16_t> bound_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

inline void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// Reads until it has seen `end`, or the other end closes, or 5 s have passed.
inline std::string read_until(int fd, std::string_view end) {
    std::string text;
    char bytes[4096];
    while (text.find(end) == std::string::npos && readable_within(fd, 5000)) {
        const ssize_t size = ::recv(fd, bytes, sizeof bytes, 0);
        if (size <= 0) {
            break;
        }
        text.append(bytes, static_cast<std::size_t>(size));
    }
    return text;
}

/// Waits for completions, counts them and knows their thread.
template <class T>
class Outcomes {
public:
    spi::Completion<T> completion() {
        const std::thread::id caller = std::this_thread::get_id();
        return [this, caller](spi::Result<T> result) {
            std::lock_guard lock(mutex_);
            if (std::this_thread::get_id() == caller) {
                ++in_the_call;
            }
            on_a_loop = on_a_loop && IoThreads::current() != nullptr;
            all_.push_back(std::move(result));
            changed_.notify_all();
        };
    }
    /// The first so many, in the order in which they came.
    std::vector<spi::Result<T>> wait(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return all_.size() >= count; }));
        return all_;
    }
    spi::Result<T> one() {
        auto all = wait(1);
        return all.size() == 1 ? all.front() : spi::Result<T>(spi::Status(spi::Code::kInternal, "no single outcome"));
    }
    std::size_t count() {
        std::lock_guard lock(mutex_);
        return all_.size();
    }

    int in_the_call = 0;
    bool on_a_loop = true;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<spi::Result<T>> all_;
};

}  // namespace pharos::net
