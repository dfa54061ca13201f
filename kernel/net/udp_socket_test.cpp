#include "net/udp_socket.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "net/accepted_socket.hpp"

namespace pharos::net {
namespace {

using namespace std::chrono_literals;

struct Received {
    std::string ip;
    std::uint16_t port;
    std::string data;
};

/// Keeps what a socket receives.
class Inbox {
public:
    spi::UdpReceiver receiver() {
        return [this](const spi::UdpDatagram& datagram) {
            std::lock_guard lock(mutex_);
            all_.push_back({std::string(datagram.ip), datagram.port, std::string(datagram.data)});
            changed_.notify_all();
        };
    }
    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 5s, [&] { return all_.size() >= count; });
    }
    std::vector<Received> all() {
        std::lock_guard lock(mutex_);
        return all_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Received> all_;
};

bool has_ipv6() {
    const UniqueFd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    return fd.get() >= 0 && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

std::uint16_t port_of(const std::string& bound) {
    return static_cast<std::uint16_t>(std::stoi(bound.substr(bound.rfind(':') + 1)));
}

class UdpSocketTest : public testing::Test {
protected:
    void SetUp() override { io.start(); }

    std::unique_ptr<spi::UdpSocket> open(std::vector<std::string> addresses, Inbox& inbox, std::uint16_t port = 0) {
        UdpSockets sockets(io, std::move(addresses));
        auto opened = sockets.open(port, inbox.receiver());
        EXPECT_TRUE(opened) << opened.error().message();
        return opened ? std::move(opened.value()) : nullptr;
    }

    IoThreads io{2};
};

TEST_F(UdpSocketTest, SendsPiecesAndReceives) {
    Inbox here;
    Inbox there;
    const auto a = open({"127.0.0.1"}, here);
    const auto b = open({"127.0.0.1"}, there);
    const spi::Piece pieces[] = {"one ", std::make_shared<const std::string>("two "), "three"};
    ASSERT_TRUE(a->send_to("127.0.0.1", port_of(b->bound_to()), pieces));
    ASSERT_TRUE(there.wait_for(1));
    EXPECT_EQ(there.all()[0].data, "one two three");
    EXPECT_EQ(there.all()[0].ip, "127.0.0.1");
    EXPECT_EQ(there.all()[0].port, port_of(a->bound_to()));
    const std::vector<spi::Piece> many(100, spi::Piece("x"));
    ASSERT_TRUE(b->send_to("::ffff:127.0.0.1", there.all()[0].port, many));
    ASSERT_TRUE(here.wait_for(1));
    EXPECT_EQ(here.all()[0].data, std::string(100, 'x'));
}

TEST_F(UdpSocketTest, BothFamiliesBehindOneSocket) {
    if (!has_ipv6()) {
        GTEST_SKIP() << "this machine has no IPv6";
    }
    Inbox here;
    Inbox v4;
    Inbox v6;
    const auto dual = open({"127.0.0.1", "::1"}, here);
    const auto a = open({"127.0.0.1"}, v4);
    const auto b = open({"::1"}, v6);
    const spi::Piece hello[] = {"hello"};
    ASSERT_TRUE(dual->send_to("127.0.0.1", port_of(a->bound_to()), hello));
    ASSERT_TRUE(dual->send_to("0:0:0:0:0:0:0:1", port_of(b->bound_to()), hello));
    ASSERT_TRUE(v4.wait_for(1) && v6.wait_for(1));
    EXPECT_EQ(v6.all()[0].ip, "::1");
    ASSERT_TRUE(b->send_to("::1", v6.all()[0].port, hello));
    ASSERT_TRUE(a->send_to("127.0.0.1", v4.all()[0].port, hello));
    EXPECT_TRUE(here.wait_for(2));
    // The wildcards of both families, on one port.
    Inbox any;
    const auto wide = open({"0.0.0.0", "::"}, any);
    ASSERT_TRUE(wide->send_to("127.0.0.1", port_of(a->bound_to()), hello));
    ASSERT_TRUE(v4.wait_for(2));
    EXPECT_EQ(v4.all()[1].ip, "127.0.0.1");
}

TEST_F(UdpSocketTest, SaysWhatItCannotSend) {
    Inbox inbox;
    const auto socket = open({"127.0.0.1"}, inbox);
    const spi::Piece hello[] = {"hello"};
    for (const char* ip : {"", "localhost", "224.0.0.1", "0.0.0.0", "::1", "127.0.0.1 "}) {
        EXPECT_EQ(socket->send_to(ip, 9, hello).code(), spi::Code::kInvalidArgument) << ip;
    }
    EXPECT_EQ(socket->send_to("127.0.0.1", 0, hello).code(), spi::Code::kInvalidArgument);
    const std::string large(65'508, 'x');
    const spi::Piece too_large[] = {large};
    EXPECT_EQ(socket->send_to("127.0.0.1", 9, too_large).code(), spi::Code::kTooLarge);
    const std::string largest(65'507, 'x');
    const spi::Piece fits[] = {largest};
    EXPECT_TRUE(socket->send_to("127.0.0.1", port_of(socket->bound_to()), fits));
    ASSERT_TRUE(inbox.wait_for(1));
    EXPECT_EQ(inbox.all()[0].data.size(), largest.size());
}

TEST_F(UdpSocketTest, APortThatIsTakenIsNamed) {
    Inbox inbox;
    const auto first = open({"127.0.0.1"}, inbox);
    const std::uint16_t port = port_of(first->bound_to());
    UdpSockets sockets(io, {"127.0.0.1"});
    const auto second = sockets.open(port, inbox.receiver());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), spi::Code::kUnavailable);
    EXPECT_NE(second.error().message().find("127.0.0.1:" + std::to_string(port)), std::string::npos);
    EXPECT_NE(second.error().message().find("in use"), std::string::npos);
}

TEST_F(UdpSocketTest, NoCallAfterTheEnd) {
    Inbox inbox;
    const auto sender = open({"127.0.0.1"}, inbox);
    for (int round = 0; round < 50; ++round) {
        std::atomic<bool> ended{false};
        std::atomic<int> late{0};
        UdpSockets sockets(io, {"127.0.0.1"});
        auto opened = sockets.open(0, [&](const spi::UdpDatagram&) { late += ended ? 1 : 0; });
        ASSERT_TRUE(opened);
        const std::uint16_t port = port_of(opened.value()->bound_to());
        std::thread flood([&] {
            const spi::Piece hello[] = {"hello"};
            for (int i = 0; i < 200; ++i) {
                (void)sender->send_to("127.0.0.1", port, hello);
            }
        });
        std::this_thread::yield();
        opened.value().reset();
        ended = true;
        flood.join();
        EXPECT_EQ(late, 0);
    }
}

TEST(UdpSocketWithoutLoops, OpensAndClosesWhileNoLoopRuns) {
    IoThreads io(1);
    UdpSockets sockets(io, {"127.0.0.1"});
    auto opened = sockets.open(0, [](const spi::UdpDatagram&) {});
    ASSERT_TRUE(opened);
    opened.value().reset();
}

}  // namespace
}  // namespace pharos::net
