#include <arpa/inet.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "net/listener.hpp"
#include "observe/metrics_registry.hpp"

namespace pharos::net {
namespace {

using namespace std::chrono_literals;

UniqueFd dial(std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
    const timeval limit{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/// True when the other end closes (or resets) within 5 s.
bool is_closed(const UniqueFd& fd) {
    char byte;
    const ssize_t n = ::recv(fd.get(), &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

class ListenerTest : public testing::Test {
protected:
    ListenerTest() { io.start(); }
    ~ListenerTest() override { listener.reset(); }

    void listen(ListenerSettings settings) {
        if (settings.addresses.empty()) {
            settings.addresses = {{"127.0.0.1", 0}};
        }
        listener = std::make_unique<Listener>(io, settings, metrics, [this](AcceptedSocket socket) {
            std::lock_guard lock(mutex);
            sockets.push_back(std::move(socket));
            changed.notify_all();
        });
        const spi::Status started = listener->start();
        ASSERT_TRUE(started.is_ok()) << started.message();
    }

    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 5s, [&] { return sockets.size() >= count; });
    }

    observe::MetricsRegistry metrics;
    IoThreads io{2};
    std::unique_ptr<Listener> listener;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<AcceptedSocket> sockets;
};

TEST_F(ListenerTest, HandsOnWithAddresses) {
    listen({});
    const UniqueFd client = dial(listener->ports()[0]);
    ASSERT_TRUE(wait_for(1));
    EXPECT_EQ("127.0.0.1", sockets[0].remote_ip);
    EXPECT_NE(0, sockets[0].remote_port);
    EXPECT_EQ(listener->ports()[0], sockets[0].local_port);
    EXPECT_EQ(Sniff::kNotSniffed, sockets[0].kind);
    EXPECT_EQ(1u, listener->connections());
    sockets.clear();
    EXPECT_EQ(0u, listener->connections());
}

TEST_F(ListenerTest, BothFamiliesOnOnePort) {
    listen({.addresses = {{"127.0.0.1", 0}}});
    const std::uint16_t port = listener->ports()[0];
    Listener other(io, {.addresses = {{"::1", port}}}, metrics, [](AcceptedSocket) {});
    const spi::Status started = other.start();
    EXPECT_TRUE(started.is_ok() || started.message().find("no such address") != std::string::npos) << started.message();
}

TEST_F(ListenerTest, SaysWhyItCantBind) {
    listen({});
    const std::uint16_t port = listener->ports()[0];
    Listener second(io, {.addresses = {{"127.0.0.1", port}}}, metrics, [](AcceptedSocket) {});
    const spi::Status status = second.start();
    EXPECT_EQ(spi::Code::kUnavailable, status.code());
    EXPECT_NE(std::string::npos, status.message().find("127.0.0.1:" + std::to_string(port))) << status.message();
    EXPECT_NE(std::string::npos, status.message().find("in use")) << status.message();
    Listener bad(io, {.addresses = {{"localhost", 0}}}, metrics, [](AcceptedSocket) {});
    EXPECT_EQ(spi::Code::kInvalidArgument, bad.start().code());
}

TEST_F(ListenerTest, LimitsPerRemoteAddress) {
    listen({.max_per_remote_ip = 2});
    const UniqueFd first = dial(listener->ports()[0]);
    const UniqueFd second = dial(listener->ports()[0]);
    ASSERT_TRUE(wait_for(2));
    const UniqueFd third = dial(listener->ports()[0]);
    EXPECT_TRUE(is_closed(third));
    EXPECT_NE(std::string::npos, metrics.exposition().find("reason=\"max_per_remote_ip\"} 1"));
    {
        std::lock_guard lock(mutex);
        sockets.pop_back();
    }
    const UniqueFd fourth = dial(listener->ports()[0]);
    EXPECT_TRUE(wait_for(2));
}

TEST_F(ListenerTest, Sniffs) {
    listen({.sniff = true});
    const auto kind_of = [&](std::string_view bytes) {
        const std::size_t before = sockets.size();
        const UniqueFd client = dial(listener->ports()[0]);
        for (const char byte : bytes) {
            EXPECT_EQ(1, ::send(client.get(), &byte, 1, MSG_NOSIGNAL));
            std::this_thread::sleep_for(1ms);
        }
        EXPECT_TRUE(wait_for(before + 1));
        std::lock_guard lock(mutex);
        return sockets.back().kind;
    };
    EXPECT_EQ(Sniff::kHttp2, kind_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    EXPECT_EQ(Sniff::kHttp1, kind_of("GET / HTTP/1.1\r\n"));
    EXPECT_EQ(Sniff::kHttp1, kind_of("POST / HTTP/1.1\r\n"));
    EXPECT_EQ(Sniff::kTls, kind_of("\x16\x03\x01"));
    char bytes[8];
    EXPECT_EQ(3, ::recv(sockets.back().fd.get(), bytes, sizeof bytes, 0)) << "sniffing must not eat bytes";
}

TEST_F(ListenerTest, ClosesTheSilent) {
    listen({.sniff = true, .sniff_timeout = 50ms});
    const UniqueFd client = dial(listener->ports()[0]);
    EXPECT_TRUE(is_closed(client));
    const UniqueFd slow = dial(listener->ports()[0]);
    EXPECT_EQ(2, ::send(slow.get(), "PR", 2, MSG_NOSIGNAL));
    EXPECT_TRUE(is_closed(slow));
}

TEST_F(ListenerTest, NothingAfterStop) {
    listen({});
    const UniqueFd client = dial(listener->ports()[0]);
    ASSERT_TRUE(wait_for(1));
    listener->stop();
    EXPECT_EQ(1u, sockets.size());
}

TEST(IoThreadsTest, NoticesAStuckLoop) {
    IoThreads io(2);
    io.start();
    EXPECT_LT(io.longest_silence(), 1s);
    EXPECT_EQ(nullptr, IoThreads::current());
    EXPECT_NE(&io.next(), &io.next());
}

}  // namespace
}  // namespace pharos::net
