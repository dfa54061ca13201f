#pragma once

#include "rpc/server.hpp"

namespace pharos::rpc {

/// The app that the client says it is; "" when it does not.
inline std::string_view claimed_app(const spi::ConnectionInfo& info) noexcept {
    return info.app_name == "-" ? std::string_view() : std::string_view(info.app_name);
}

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
