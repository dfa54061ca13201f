#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace pharos::net {

/// Owns a file descriptor.
class UniqueFd {
public:
    UniqueFd() noexcept = default;
    explicit UniqueFd(int fd) noexcept : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    /// Gives the descriptor away.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

private:
    int fd_ = -1;
};

/// What the first bytes of a connection look like.
enum class Sniff : std::uint8_t { kNotSniffed = 0, kHttp1 = 1, kHttp2 = 2, kTls = 3 };

/// A connection that was accepted, ready for whoever speaks its protocol. Non-blocking.
struct AcceptedSocket {
    UniqueFd fd;
    std::string remote_ip;
    std::uint16_t remote_port = 0;
    std::uint16_t local_port = 0;
    Sniff kind = Sniff::kNotSniffed;
    /// The connection's place in the listener's limits; given back when the last copy dies. Keep it beside the fd.
    std::shared_ptr<const void> ticket;
};

}  // namespace pharos::net
