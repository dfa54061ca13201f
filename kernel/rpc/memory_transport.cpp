#include "rpc/memory_transport.hpp"

#include <unistd.h>

#include <utility>

namespace pharos::rpc {

namespace {

std::string join(std::string_view head, spi::Pieces body) {
    std::string frame(head);
    for (const spi::Piece& piece : body) {
        frame += piece.text;
    }
    return frame;
}

}  // namespace

/// Shared by the caller, who waits for as long as the event runs, and the one who answers.
class MemoryTransport::Call final : public UnaryCall {
public:
    explicit Call(MemoryTransport& transport) : transport_(transport) { ++transport_.unanswered_; }

    void reply(std::string_view head, spi::Pieces body) noexcept override {
        bool last = false;
        {
            const std::lock_guard lock(transport_.mutex_);
            reply_ = join(head, body);
            answered_ = true;
            last = returned_;
            if (last) {
                transport_.late_replies_.push_back(std::move(reply_));
            }
        }
        --transport_.unanswered_;
        if (last) {
            delete this;
        }
    }

    /// The event has returned.
    std::string finish() {
        std::string reply;
        bool last = false;
        {
            const std::lock_guard lock(transport_.mutex_);
            returned_ = true;
            last = answered_;
            reply = std::move(reply_);
        }
        if (last) {
            delete this;
        }
        return reply;
    }

private:
    MemoryTransport& transport_;
    std::string reply_;
    bool answered_ = false;
    bool returned_ = false;
};

ConnectionNumber MemoryTransport::adopt(int fd, const Peer& peer) noexcept {
    ::close(fd);
    return connect(peer);
}

ConnectionNumber MemoryTransport::connect(const Peer& peer) {
    const ConnectionNumber number = ++last_number_;
    {
        const std::lock_guard lock(mutex_);
        clients_[number];
    }
    events_->opened(number, peer);
    return number;
}

spi::Status MemoryTransport::send(ConnectionNumber connection, std::string_view head, spi::Pieces body) noexcept {
    const std::lock_guard lock(mutex_);
    auto found = clients_.find(connection);
    if (found == clients_.end() || !found->second.has_stream) {
        return {spi::Code::kClosed, "no such connection"};
    }
    if (found->second.blocked || head.size() + spi::total_size(body) > found->second.room) {
        return {spi::Code::kUnavailable, "connection busy"};
    }
    found->second.received.push_back(join(head, body));
    return {};
}

void MemoryTransport::close(ConnectionNumber connection, std::string_view reason) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (clients_.erase(connection) == 0) {
            return;
        }
    }
    events_->closed(connection, reason);
}

bool MemoryTransport::stop(spi::Duration) noexcept {
    std::vector<ConnectionNumber> open;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [number, client] : clients_) {
            open.push_back(number);
        }
    }
    for (ConnectionNumber number : open) {
        close(number, "stop");
    }
    return unanswered_ == 0;
}

std::string MemoryTransport::call(ConnectionNumber connection, std::string_view frame) {
    auto* call = new Call(*this);
    events_->unary(connection, frame, *call);
    return call->finish();
}

void MemoryTransport::open_stream(ConnectionNumber connection) {
    {
        const std::lock_guard lock(mutex_);
        if (auto found = clients_.find(connection); found != clients_.end()) {
            found->second.has_stream = true;
        }
    }
    events_->stream_opened(connection);
}

void MemoryTransport::stream(ConnectionNumber connection, std::string_view frame) {
    events_->stream_frame(connection, frame);
}

void MemoryTransport::block(ConnectionNumber connection, bool blocked) {
    {
        const std::lock_guard lock(mutex_);
        if (auto found = clients_.find(connection); found != clients_.end()) {
            found->second.blocked = blocked;
        }
    }
    if (!blocked) {
        events_->writable(connection);
    }
}

void MemoryTransport::leave_room(ConnectionNumber connection, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (auto found = clients_.find(connection); found != clients_.end()) {
        found->second.room = bytes;
    }
}

std::vector<std::string> MemoryTransport::received(ConnectionNumber connection) {
    const std::lock_guard lock(mutex_);
    auto found = clients_.find(connection);
    return found == clients_.end() ? std::vector<std::string>{} : std::exchange(found->second.received, {});
}

bool MemoryTransport::is_open(ConnectionNumber connection) const {
    const std::lock_guard lock(mutex_);
    return clients_.contains(connection);
}

std::vector<std::string> MemoryTransport::late_replies() const {
    const std::lock_guard lock(mutex_);
    return late_replies_;
}

}  // namespace pharos::rpc
