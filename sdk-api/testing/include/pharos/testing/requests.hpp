#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/http.hpp>
#include <pharos/spi/rpc.hpp>

namespace pharos::testing {

/// Keeps pushes until the test answers them.
class FakeConnections final : public spi::Connections {
public:
    struct Push {
        spi::ConnectionNumber connection;
        std::string type;
        std::string members;
        spi::Completion<bool> done;
        std::shared_ptr<const void> owner;  ///< of the first piece
    };

    void push(spi::ConnectionNumber connection, const spi::RpcPush& push,
              spi::Completion<bool> done) noexcept override {
        std::string members;
        for (const spi::Piece& piece : push.members) {
            members += piece.text;
        }
        pushes.push_back({connection, std::string(push.type), std::move(members), std::move(done),
                          push.members.empty() ? nullptr : push.members.front().owner});
    }
    void close(spi::ConnectionNumber connection, std::string_view reason) noexcept override {
        closed.emplace_back(connection, reason);
    }
    [[nodiscard]] std::vector<spi::ConnectionPtr> list() const override { return registered; }
    [[nodiscard]] spi::ConnectionPtr find(spi::ConnectionNumber) const override { return nullptr; }
    [[nodiscard]] spi::Duration last_active(spi::ConnectionNumber) const noexcept override { return {}; }
    spi::Registration observe(spi::ConnectionObserver&) override { return {}; }

    /// Takes the oldest push and answers it.
    Push take() {
        Push push = std::move(pushes.front());
        pushes.pop_front();
        return push;
    }
    Push ack() {
        Push push = take();
        push.done(true);
        return push;
    }
    Push fail(spi::Code code) {
        Push push = take();
        push.done(spi::Status(code, "made to fail"));
        return push;
    }

    std::vector<spi::ConnectionPtr> registered;
    std::deque<Push> pushes;
    std::vector<std::pair<spi::ConnectionNumber, std::string>> closed;
};

/// A registered connection with this number.
inline spi::ConnectionPtr make_connection(spi::ConnectionNumber number) {
    auto info = std::make_shared<spi::ConnectionInfo>();
    info->number = number;
    info->id = "1795402384190_127.0.0.1_" + std::to_string(number);
    info->client_ip = "127.0.0.1";
    info->labels = {{"module", "naming"}};
    return info;
}

/// Keeps what a handler answers, in both protocols. Make one per request; responders point to it.
class Answer final : public spi::HttpExchange, public spi::RpcExchange {
public:
    [[nodiscard]] spi::HttpResponder http() { return spi::HttpResponder(this); }
    [[nodiscard]] spi::RpcResponder rpc() { return spi::RpcResponder(this); }

    void send(const spi::HttpReply& reply) noexcept override {
        ++sent;
        status = reply.status;
        type = reply.content_type;
        for (const spi::HttpHeader& header : reply.headers) {
            headers[std::string(header.name)] = header.value;
        }
        take(reply.body);
    }
    void send(std::string_view payload_type, spi::Pieces pieces) noexcept override {
        ++sent;
        type = payload_type;
        take(pieces);
    }
    void on_abandoned(spi::Task task) noexcept override { abandoned = std::move(task); }
    void release() noexcept override { abandoned.reset(); }

    /// Has the client go away.
    void abandon() {
        spi::Task task = std::move(abandoned);
        task();
    }

    int sent = 0;  ///< answers; more than one is a bug
    int status = 0;
    std::string type;  ///< content type or payload type
    std::string body;
    std::map<std::string, std::string> headers;
    spi::Task abandoned;

private:
    void take(spi::Pieces pieces) {
        body.clear();
        for (const spi::Piece& piece : pieces) {
            body += piece.text;
        }
    }
};

}  // namespace pharos::testing
