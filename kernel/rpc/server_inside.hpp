#pragma once

#include "rpc/server.hpp"

namespace pharos::rpc {

/// Being at work for a connection; nothing when it has ended. The last to leave an ended one finishes its end.
class Server::Inside {
public:
    Inside(Server& server, Connection* connection) noexcept
        : server_(server), connection_(connection != nullptr && connection->enter() ? connection : nullptr) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
        if (connection_ != nullptr && connection_->leave()) {
            server_.finish_end(*connection_);
        }
    }
    explicit operator bool() const noexcept { return connection_ != nullptr; }

private:
    Server& server_;
    Connection* connection_;
};

}  // namespace pharos::rpc
