#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "rpc/transport.hpp"

namespace pharos::rpc {

/// Connections without sockets or threads, for tests: events run in the calls that cause them. Any thread.
class MemoryTransport final : public Transport {
public:
    void start(TransportEvents& events) override { events_ = &events; }
    /// Closes the descriptor and connects.
    ConnectionNumber adopt(int fd, const Peer& peer) noexcept override;
    spi::Status send(ConnectionNumber connection, std::string_view head, spi::Pieces body) noexcept override;
    void close(ConnectionNumber connection, std::string_view reason) noexcept override;
    bool stop(spi::Duration patience) noexcept override;

    // The client's side.

    ConnectionNumber connect(const Peer& peer);
    /// The reply frame; "" when the answer comes later, to be found in late_replies().
    std::string call(ConnectionNumber connection, std::string_view frame);
    void open_stream(ConnectionNumber connection);
    void stream(ConnectionNumber connection, std::string_view frame);
    void hang_up(ConnectionNumber connection) { close(connection, "hang-up"); }
    /// The client stops reading: frames are refused.
    void block(ConnectionNumber connection, bool blocked);
    /// The client reads nothing, but its queue has room for frames of so many bytes. Not told as writable().
    void leave_room(ConnectionNumber connection, std::size_t bytes);
    /// Frames that the server has sent since the last call.
    std::vector<std::string> received(ConnectionNumber connection);
    [[nodiscard]] bool is_open(ConnectionNumber connection) const;
    [[nodiscard]] std::vector<std::string> late_replies() const;

private:
    class Call;

    struct Client {
        std::vector<std::string> received;
        bool has_stream = false;
        bool blocked = false;
        std::size_t room = static_cast<std::size_t>(-1);
    };

    TransportEvents* events_ = nullptr;
    mutable std::mutex mutex_;
    std::map<ConnectionNumber, Client> clients_;
    std::vector<std::string> late_replies_;
    std::atomic<ConnectionNumber> last_number_{0};
    std::atomic<int> unanswered_{0};
};

}  // namespace pharos::rpc
