#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/access.hpp>
#include <pharos/spi/bytes.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/services.hpp>

namespace pharos::spi {

/// Number of a connection: unique in one run of the process, never used again, never 0.
using ConnectionNumber = std::uint64_t;

/// A registered gRPC connection (`protocol/core.md §1.3–1.4`). Immutable after registration.
struct ConnectionInfo {
    ConnectionNumber number = 0;
    std::string id;         ///< "<epoch ms>_<remote ip>_<remote port>", what clients and operators see
    std::string client_ip;  ///< as the client claims it
    std::string remote_ip;  ///< of the socket
    std::uint16_t remote_port = 0;
    std::uint16_t local_port = 0;
    std::string client_version;
    std::string namespace_id;  ///< the client's default one
    std::string app_name;      ///< label AppName, else "-"
    std::map<std::string, std::string> labels;
    std::map<std::string, bool> abilities;
    bool has_ability_table = false;
    std::int64_t created_ms = 0;  ///< wall clock

    [[nodiscard]] std::string_view label(const std::string& name) const noexcept {
        auto found = labels.find(name);
        return found == labels.end() ? std::string_view{} : std::string_view(found->second);
    }
};

using ConnectionPtr = std::shared_ptr<const ConnectionInfo>;

/// A unary request. Views are valid during the handler's call only.
struct RpcRequest {
    std::string_view type;  ///< simple class name, such as "ConfigQueryRequest"
    std::string_view body;  ///< JSON text, not yet parsed
    std::span<const std::pair<std::string_view, std::string_view>> headers;
    ConnectionPtr connection;
    const Principal* principal = nullptr;  ///< who asks; never null in a handler

    /// Header of this case-insensitive name; "" when absent.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// One unary call's way back. Implemented by the kernel; handlers see RpcResponder.
class RpcExchange {
public:
    virtual void send(std::string_view type, Pieces body) noexcept = 0;
    virtual void release() noexcept = 0;

protected:
    ~RpcExchange() = default;
};

/// Answers one unary call, now or later. Move-only. Dropping it unanswered answers ErrorResponse 500.
class RpcResponder {
public:
    explicit RpcResponder(RpcExchange* exchange) noexcept : exchange_(exchange) {}
    RpcResponder(RpcResponder&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}
    RpcResponder& operator=(RpcResponder&& other) noexcept {
        if (this != &other) {
            drop();
            exchange_ = std::exchange(other.exchange_, nullptr);
        }
        return *this;
    }
    ~RpcResponder() { drop(); }

    /// `body` is the JSON text. Any thread, at most once; nothing happens when the client has gone.
    void send(std::string_view type, Pieces body) noexcept {
        if (exchange_ != nullptr) {
            RpcExchange* exchange = std::exchange(exchange_, nullptr);
            exchange->send(type, body);
            exchange->release();
        }
    }

private:
    void drop() noexcept {
        if (exchange_ != nullptr) {
            const Piece body[] = {
                R"({"resultCode":500,"errorCode":500,"message":"The request was dropped.","success":false})"};
            send("ErrorResponse", body);
        }
    }

    RpcExchange* exchange_;
};

/// Called on the thread that the bytes arrived on. Must not block. Whoever keeps the responder answers later.
using RpcHandler = UniqueFunction<void(const RpcRequest&, RpcResponder)>;

struct RpcMethod {
    std::string_view type;           ///< payload type, such as "InstanceRequest"
    std::string_view response_type;  ///< for refusals by the filter chain, which use the handler's own type
    Access<RpcRequest> access;
};

/// Adds handlers of payload types.
class RpcMethods {
public:
    /// Error kConflict: the type is taken. Meant for init(). Once the registration's destructor has returned no call
    /// is under way and none begins.
    virtual Result<Registration> add(const RpcMethod& method, RpcHandler handler) = 0;
    /// Announces an ability of the server to clients (`protocol/core.md §1.4`), such as "fuzzyWatch".
    virtual Registration ability(std::string_view key) = 0;

protected:
    ~RpcMethods() = default;
};

/// A request from the server to a client, sent on the bi-directional stream.
struct RpcPush {
    std::string_view type;  ///< such as "NotifySubscriberRequest"
    /// The JSON members after `"headers":{},"requestId":"…",` up to and with the closing brace, such as
    /// `"dataId":"a","module":"config"}`. Give shared pieces where many connections get the same.
    Pieces members;
    Duration timeout = std::chrono::seconds(3);
};

/// Hears of connections. Calls for one connection come in order, from any thread, and must not block.
class ConnectionObserver {
public:
    virtual void on_registered(const ConnectionPtr& connection) noexcept = 0;
    /// The first sign of the end. Nothing is received from or sent to the connection after it.
    virtual void on_closed(const ConnectionPtr& connection) noexcept = 0;

protected:
    ~ConnectionObserver() = default;
};

/// The connection table. Any thread.
class Connections {
public:
    /// Sends a push and waits for its ack. Done: value when the client acked with resultCode 200. Errors: kClosed
    /// (no such connection), kUnavailable (its send queue is full), kTimeout, kInternal (the client refused). The
    /// completion runs on the thread that got the ack, on the timer thread, or in the call.
    virtual void push(ConnectionNumber connection, const RpcPush& push, Completion<bool> done) noexcept = 0;
    /// Ends a connection; observers hear of it.
    virtual void close(ConnectionNumber connection, std::string_view reason) noexcept = 0;
    /// All registered connections.
    [[nodiscard]] virtual std::vector<ConnectionPtr> list() const = 0;
    /// The registered connection of this number, or null.
    [[nodiscard]] virtual ConnectionPtr find(ConnectionNumber connection) const = 0;
    /// When the client was last heard of, on the kernel's steady clock; zero when there is no such connection.
    [[nodiscard]] virtual Duration last_active(ConnectionNumber connection) const noexcept = 0;
    /// Once the registration's destructor has returned the observer is called no more. Hears of connections that
    /// register from now on.
    virtual Registration observe(ConnectionObserver& observer) = 0;

protected:
    ~Connections() = default;
};

}  // namespace pharos::spi
