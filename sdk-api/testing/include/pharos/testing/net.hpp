#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include <pharos/spi/net.hpp>

namespace pharos::testing {

/// Keeps datagrams that are sent; the test receives them.
class FakeNet final : public spi::Net {
public:
    struct Sent {
        std::string ip;
        std::uint16_t port;
        std::string data;
    };

    spi::Result<std::unique_ptr<spi::UdpSocket>> open_udp(std::uint16_t, spi::UdpReceiver receiver) noexcept override {
        if (!failure) {
            return failure;
        }
        receiver_ = std::move(receiver);
        return std::unique_ptr<spi::UdpSocket>(std::make_unique<Socket>(*this));
    }

    /// Has a datagram arrive; nothing happens when no socket is open.
    void receive(std::string_view ip, std::uint16_t port, std::string_view data) {
        if (receiver_) {
            receiver_({ip, port, data});
        }
    }
    /// Takes the oldest datagram.
    Sent take() {
        Sent oldest = std::move(sent.front());
        sent.pop_front();
        return oldest;
    }

    void exchange(spi::TcpExchange exchange, spi::Completion<std::string> done) noexcept override {
        exchanges.push_back({std::move(exchange), std::move(done)});
    }
    void http_get(spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept override {
        http_calls.push_back({std::move(call), std::move(done)});
    }
    void resolve(std::string host, spi::Duration, spi::Completion<std::vector<std::string>> done) noexcept override {
        lookups.push_back({std::move(host), std::move(done)});
    }
    void resolve_srv(std::string name, spi::Duration,
                     spi::Completion<std::vector<spi::SrvRecord>> done) noexcept override {
        srv_lookups.push_back({std::move(name), std::move(done)});
    }

    /// What was asked for, with whom to tell; the test answers.
    template <class Asked, class Answer>
    struct Call {
        Asked asked;
        spi::Completion<Answer> done;
    };
    std::deque<Call<spi::TcpExchange, std::string>> exchanges;
    std::deque<Call<spi::HttpCall, spi::HttpAnswer>> http_calls;
    std::deque<Call<std::string, std::vector<std::string>>> lookups;
    std::deque<Call<std::string, std::vector<spi::SrvRecord>>> srv_lookups;

    std::deque<Sent> sent;
    spi::Status failure;  ///< of opening and of sending, unless it is ok

private:
    class Socket final : public spi::UdpSocket {
    public:
        explicit Socket(FakeNet& net) : net_(net) {}
        ~Socket() override { net_.receiver_.reset(); }
        spi::Status send_to(std::string_view ip, std::uint16_t port, spi::Pieces data) noexcept override {
            if (!net_.failure) {
                return net_.failure;
            }
            std::string text;
            for (const spi::Piece& piece : data) {
                text += piece.text;
            }
            net_.sent.push_back({std::string(ip), port, std::move(text)});
            return {};
        }
        [[nodiscard]] const std::string& bound_to() const noexcept override { return bound_to_; }

    private:
        FakeNet& net_;
        std::string bound_to_ = "127.0.0.1:40123";
    };

    spi::UdpReceiver receiver_;
};

}  // namespace pharos::testing
