#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <pharos/spi/access.hpp>
#include <pharos/spi/bytes.hpp>
#include <pharos/spi/function.hpp>
#include <pharos/spi/services.hpp>

namespace pharos::spi {

enum class HttpMethod : std::uint8_t {
    kGet = 0,
    kPost = 1,
    kPut = 2,
    kDelete = 3,
    kPatch = 4,
    kHead = 5,
    kOptions = 6
};

[[nodiscard]] std::string_view to_string(HttpMethod method) noexcept;

struct HttpHeader {
    std::string_view name;
    std::string_view value;
};

/// A request whose body has fully arrived. All views are valid during the handler's call only.
struct HttpRequest {
    HttpMethod method = HttpMethod::kGet;
    std::string_view path;    ///< canonical, without query; percent-decoded once, no "//", "." or ".." left
    std::string_view target;  ///< as received, for messages
    std::string_view query;   ///< as received, without "?"
    std::string_view body;
    std::span<const HttpHeader> headers;
    std::string_view remote_ip;  ///< of the socket; client-claimed addresses are in headers
    std::uint16_t remote_port = 0;
    const Principal* principal = nullptr;  ///< who asks; never null in a handler

    /// First header of this case-insensitive name, trimmed; "" when absent.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// A reply. Views must stay valid during send() only (a Piece with an owner may be referenced longer).
struct HttpReply {
    int status = 200;
    std::string_view content_type = {};  ///< "" = no Content-Type header
    std::span<const HttpHeader> headers = {};
    Pieces body = {};
};

/// One request's way back. Implemented by the kernel; handlers see HttpResponder.
class HttpExchange {
public:
    virtual void send(const HttpReply& reply) noexcept = 0;
    virtual void on_abandoned(Task task) noexcept = 0;
    virtual void release() noexcept = 0;

protected:
    ~HttpExchange() = default;
};

/// Answers one request, now or later. Move-only. Dropping it unanswered answers 500.
class HttpResponder {
public:
    explicit HttpResponder(HttpExchange* exchange) noexcept : exchange_(exchange) {}
    HttpResponder(HttpResponder&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}
    HttpResponder& operator=(HttpResponder&& other) noexcept {
        if (this != &other) {
            drop();
            exchange_ = std::exchange(other.exchange_, nullptr);
        }
        return *this;
    }
    ~HttpResponder() { drop(); }

    /// Sends the reply; at most once. Any thread; on the thread that called the handler it is written in place.
    /// Nothing happens when the client has gone.
    void send(const HttpReply& reply) noexcept {
        if (exchange_ != nullptr) {
            HttpExchange* exchange = std::exchange(exchange_, nullptr);
            exchange->send(reply);
            exchange->release();
        }
    }

    /// For a reply that is held back: the task runs once if the client goes away first, on the connection's io
    /// thread. It does not run after send().
    void on_abandoned(Task task) noexcept { exchange_->on_abandoned(std::move(task)); }

private:
    void drop() noexcept {
        if (exchange_ != nullptr) {
            send(HttpReply{.status = 500});
        }
    }

    HttpExchange* exchange_;
};

/// Called on the io thread of the connection. Must not block. Whoever keeps the responder answers later.
using HttpHandler = UniqueFunction<void(const HttpRequest&, HttpResponder)>;

struct HttpRoute {
    HttpMethod method;
    /// Below the context path, such as "/v1/cs/configs"; "{name}" matches one segment. A path that starts with "//"
    /// is taken from the root instead ("//health/live").
    std::string_view path;
    Access<HttpRequest> access;
};

/// Adds routes. A route of a plugin that is off does not exist: 404.
class HttpRoutes {
public:
    /// Error kConflict: method and path are taken. Any thread, but meant for init(). The registration ends the route:
    /// once its destructor has returned no call is under way and none begins.
    virtual Result<Registration> add(const HttpRoute& route, HttpHandler handler) = 0;

protected:
    ~HttpRoutes() = default;
};

}  // namespace pharos::spi
