#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "http/server.hpp"
#include "net/listener.hpp"
#include "observe/metrics_registry.hpp"

namespace pharos::http {

/// A plain blocking connection to a port of this host; reads give up after 5 s.
class TestClient {
public:
    explicit TestClient(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer > 0) {
            ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        const int on = 1;
        ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(0, ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
        const timeval limit{5, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }

    /// One reply: status line, headers and body. "" at the end of the stream.
    std::string reply(bool head = false) {
        while (buffer_.find("\r\n\r\n") == std::string::npos) {
            if (!more()) {
                return std::exchange(buffer_, {});
            }
        }
        const std::size_t header = buffer_.find("\r\n\r\n") + 4;
        const std::size_t length = buffer_.find("Content-Length: ");
        const std::size_t body = head || length > header ? 0 : std::stoul(buffer_.substr(length + 16));
        while (buffer_.size() < header + body && more()) {
        }
        std::string reply = buffer_.substr(0, header + body);
        buffer_.erase(0, header + body);
        return reply;
    }
    std::string ask(std::string_view request) {
        send(request);
        return reply();
    }
    /// Nothing more comes and the server has closed.
    bool at_end() { return buffer_.empty() && !more() && !timed_out_; }
    std::string all() {
        while (more()) {
        }
        return std::exchange(buffer_, {});
    }

private:
    bool more() {
        char bytes[16384];
        const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, 0);
        timed_out_ = n < 0 && errno == EAGAIN;
        if (n > 0) {
            buffer_.append(bytes, static_cast<std::size_t>(n));
        }
        return n > 0;
    }

    net::UniqueFd fd_;
    std::string buffer_;
    bool timed_out_ = false;
};

/// A server on a free port with an echo route: "METHOD path?query|body".
class ServerTest : public testing::Test {
protected:
    ServerTest() { io.start(); }
    ~ServerTest() override { stop(); }

    void run(ServerSettings settings = {}) {
        add(spi::HttpMethod::kGet, "/echo", echo);
        add(spi::HttpMethod::kPost, "/echo", echo);
        server = std::make_unique<Server>(io, router, filter, metrics, settings);
        listener =
            std::make_unique<net::Listener>(io, net::ListenerSettings{.addresses = {{"127.0.0.1", 0}}}, metrics,
                                            [this](net::AcceptedSocket socket) { server->adopt(std::move(socket)); });
        ASSERT_TRUE(listener->start().is_ok());
        port = listener->ports()[0];
    }
    void stop(spi::Duration grace = {}) {
        if (listener != nullptr) {
            listener->stop();
        }
        if (server != nullptr) {
            server->stop(grace);
        }
    }
    void add(spi::HttpMethod method, std::string_view path, spi::HttpHandler handler) {
        auto added = router.add({method, path, {spi::Action::kRead, "test"}}, std::move(handler));
        ASSERT_TRUE(added.is_ok()) << added.error().message();
        registrations.push_back(std::move(added.value()));
    }
    static void echo(const spi::HttpRequest& request, spi::HttpResponder responder) {
        const spi::Piece body[] = {
            spi::to_string(request.method), " ", request.path, "?", request.query, "|", request.body};
        responder.send({.content_type = "text/plain", .body = body});
    }
    template <class Condition>
    static bool eventually(Condition condition) {
        for (int i = 0; i < 500 && !condition(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return condition();
    }

    observe::MetricsRegistry metrics;
    access::Filter filter;
    net::IoThreads io{2};
    Router router;
    std::vector<spi::Registration> registrations;
    std::unique_ptr<Server> server;
    std::unique_ptr<net::Listener> listener;
    std::uint16_t port = 0;
};

inline std::string body_of(const std::string& reply) {
    const std::size_t end = reply.find("\r\n\r\n");
    return end == std::string::npos ? "no reply: " + reply : reply.substr(end + 4);
}
inline std::string status_of(const std::string& reply) { return reply.size() < 12 ? "none" : reply.substr(9, 3); }

}  // namespace pharos::http
