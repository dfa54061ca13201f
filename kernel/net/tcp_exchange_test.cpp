#include <fcntl.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>

#include "net/plugin_net.hpp"
#include "net/test_support.hpp"

namespace pharos::net {
namespace {

using namespace std::chrono_literals;

class TcpExchangeTest : public testing::Test {
protected:
    void SetUp() override { io.start(); }
    void TearDown() override {
        net.stop();
        io.stop();
        net.stop();
    }

    static spi::TcpExchange to(std::uint16_t port, spi::Duration timeout = 10s) {
        spi::TcpExchange exchange;
        exchange.ip = "127.0.0.1";
        exchange.port = port;
        exchange.timeout = timeout;
        return exchange;
    }
    static auto until(std::string end) {
        return
            [end = std::move(end)](std::string_view received) { return received.find(end) != std::string_view::npos; };
    }
    spi::Result<std::string> run(spi::TcpExchange exchange) {
        Outcomes<std::string> outcomes;
        net.exchange(std::move(exchange), outcomes.completion());
        auto result = outcomes.one();
        EXPECT_EQ(outcomes.in_the_call, 0);
        EXPECT_TRUE(outcomes.on_a_loop);
        return result;
    }

    IoThreads io{2};
    PluginNet net{io, {"127.0.0.1"}, ""};
};

/// Connections from this machine to the port that wait for their end (TIME_WAIT).
int time_waits(std::uint16_t port) {
    std::ifstream table("/proc/net/tcp");
    std::string line;
    int count = 0;
    char remote[16];
    std::snprintf(remote, sizeof remote, ":%04X", port);
    while (std::getline(table, line)) {
        std::istringstream words(line);
        std::string number;
        std::string local;
        std::string other;
        std::string state;
        words >> number >> local >> other >> state;
        count += state == "06" && (other.ends_with(remote) || local.ends_with(remote)) ? 1 : 0;
    }
    return count;
}

TEST_F(TcpExchangeTest, ToBeConnectedIsEnoughAndLeavesNothingBehind) {
    Peer peer([](int) {});
    for (int i = 0; i < 20; ++i) {  // the later ones with sockets that have served before
        auto result = run(to(peer.port()));
        ASSERT_TRUE(result) << result.error().message();
        EXPECT_EQ(result.value(), "");
    }
    // The peer closes too, in order; ours came first, with a reset.
    EXPECT_EQ(time_waits(peer.port()), 0);
}

TEST_F(TcpExchangeTest, SocketsAreUsedAgainForOtherPeersAndFailures) {
    Peer one([](int) {});
    Peer other([](int) {});
    const RefusingPort nobody;
    for (int i = 0; i < 30; ++i) {
        EXPECT_TRUE(run(to(one.port())));
        const auto refused = run(to(nobody.port()));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), spi::Code::kUnavailable) << refused.error().message();
        EXPECT_TRUE(run(to(other.port())));
    }
    EXPECT_GE(one.accepted, 1);
}

TEST_F(TcpExchangeTest, ManyAtOnce) {
    Peer peer([](int) {});
    const RefusingPort nobody;
    Outcomes<std::string> outcomes;
    constexpr std::size_t kCount = 100;  // no more than the peer's backlog holds
    for (std::size_t i = 0; i < kCount; ++i) {
        net.exchange(to(peer.port()), outcomes.completion());
        net.exchange(to(nobody.port()), outcomes.completion());
    }
    std::size_t good = 0;
    for (const auto& result : outcomes.wait(2 * kCount)) {
        good += result ? 1 : 0;
    }
    EXPECT_EQ(good, kCount);
    EXPECT_EQ(outcomes.count(), 2 * kCount);
}

TEST_F(TcpExchangeTest, SendsAndReadsUntilTheAnswerIsComplete) {
    Peer peer([](int fd) {
        if (read_until(fd, "?") == "who?") {
            write_all(fd, "I ");
            std::this_thread::yield();
            write_all(fd, "am.rest");
            read_until(fd, "\n");
        }
    });
    spi::TcpExchange exchange = to(peer.port());
    exchange.send = "who?";
    exchange.is_complete = until(".");
    auto result = run(std::move(exchange));
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_TRUE(result.value().starts_with("I am."));
}

TEST_F(TcpExchangeTest, SendsMoreThanTheSystemTakesAtOnce) {
    std::atomic<std::size_t> seen{0};
    Peer peer([&](int fd) {
        seen = read_until(fd, "!").size();
        write_all(fd, "ok");
    });
    spi::TcpExchange exchange = to(peer.port());
    exchange.send = std::string(8 << 20, 'x') + "!";
    exchange.is_complete = until("ok");
    auto result = run(std::move(exchange));
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(seen, (8u << 20) + 1);
}

TEST_F(TcpExchangeTest, RefusedNamesTheAddress) {
    const RefusingPort nobody;
    auto result = run(to(nobody.port()));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), spi::Code::kUnavailable);
    EXPECT_EQ(result.error().message(),
              "cannot connect to 127.0.0.1:" + std::to_string(nobody.port()) + ": Connection refused");
}

TEST_F(TcpExchangeTest, AnAnswerThatDoesNotComeTimesOut) {
    Peer peer([&](int fd) { read_until(fd, "goodbye"); });  // until we are gone
    spi::TcpExchange exchange = to(peer.port(), 50ms);
    exchange.send = "anybody?";
    exchange.is_complete = until(".");
    Outcomes<std::string> outcomes;
    const auto began = std::chrono::steady_clock::now();
    net.exchange(std::move(exchange), outcomes.completion());
    const auto result = outcomes.one();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), spi::Code::kTimeout);
    EXPECT_EQ(result.error().message(), "127.0.0.1:" + std::to_string(peer.port()) + " has not answered within 50 ms");
    EXPECT_GE(std::chrono::steady_clock::now() - began, 50ms);
}

TEST_F(TcpExchangeTest, AConnectionThatNobodyTakesTimesOut) {
    // A queue for two that is full: the system drops what comes then.
    auto [fd, port] = bound_socket(SOCK_STREAM);
    ASSERT_EQ(::listen(fd.get(), 0), 0);
    std::vector<UniqueFd> callers;
    for (int i = 0; i < 4; ++i) {
        callers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const sockaddr_in address = loopback(port);
        (void)::connect(callers.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    auto result = run(to(port, 100ms));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), spi::Code::kTimeout);
    EXPECT_EQ(result.error().message(),
              "127.0.0.1:" + std::to_string(port) + " has not taken a connection within 100 ms");
}

TEST_F(TcpExchangeTest, APeerThatGoesAwayInTheMiddle) {
    for (const bool reset : {false, true}) {
        Peer peer([&](int fd) {
            read_until(fd, "?");
            write_all(fd, "half an ans");
            if (reset) {
                const linger at_once{1, 0};
                ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            }
        });
        spi::TcpExchange exchange = to(peer.port());
        exchange.send = "well?";
        exchange.is_complete = until(".");
        auto result = run(std::move(exchange));
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), spi::Code::kClosed) << result.error().message();
    }
}

TEST_F(TcpExchangeTest, APeerThatNeverStops) {
    Peer peer([](int fd) {
        const std::string lots(1 << 20, 'x');
        for (int i = 0; i < 64; ++i) {
            write_all(fd, lots);
        }
    });
    spi::TcpExchange exchange = to(peer.port());
    exchange.is_complete = until(".");
    exchange.max_received = 1000;
    auto result = run(std::move(exchange));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), spi::Code::kTooLarge);
    EXPECT_EQ(result.error().message(), "127.0.0.1:" + std::to_string(peer.port()) + " answered more than 1000 bytes");
}

TEST_F(TcpExchangeTest, WhatIsCompleteMayBeFollowedByMoreThanIsAwaited) {
    Peer peer([](int fd) { write_all(fd, "ready." + std::string(2000, 'x')); });
    spi::TcpExchange exchange = to(peer.port());
    exchange.is_complete = until(".");
    exchange.max_received = 1000;
    auto result = run(std::move(exchange));
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_TRUE(result.value().starts_with("ready."));
}

TEST_F(TcpExchangeTest, WhatIsNoAddressIsTold) {
    for (const auto& [ip, port] : std::vector<std::pair<std::string, std::uint16_t>>{
             {"localhost", 80}, {"", 80}, {"1.2.3", 80}, {"127.0.0.1 ", 80}, {"127.0.0.1", 0}}) {
        spi::TcpExchange exchange = to(port);
        exchange.ip = ip;
        auto result = run(std::move(exchange));
        ASSERT_FALSE(result) << ip;
        EXPECT_EQ(result.error().code(), spi::Code::kInvalidArgument) << ip;
        EXPECT_NE(result.error().message().find(ip), std::string::npos);
    }
}

TEST_F(TcpExchangeTest, WithoutDescriptorsItIsNotThePeersFault) {
    Peer peer([](int) {});
    std::vector<UniqueFd> all;
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit few = before;
    const UniqueFd highest(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    few.rlim_cur = static_cast<rlim_t>(highest.get()) + 1;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    auto result = run(to(peer.port()));
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), spi::Code::kDenied) << result.error().message();
}

TEST_F(TcpExchangeTest, StopEndsWhatIsUnderWayOnce) {
    Peer silent([&](int fd) { readable_within(fd, 5000); });
    Outcomes<std::string> outcomes;
    constexpr std::size_t kCount = 200;
    for (std::size_t i = 0; i < kCount; ++i) {
        spi::TcpExchange exchange = to(silent.port(), 60s);
        exchange.is_complete = until(".");
        net.exchange(std::move(exchange), outcomes.completion());
    }
    std::thread late([&] {
        for (std::size_t i = 0; i < kCount; ++i) {
            spi::TcpExchange exchange = to(silent.port(), 60s);
            exchange.is_complete = until(".");
            net.exchange(std::move(exchange), outcomes.completion());
        }
    });
    net.stop();
    late.join();
    io.stop();
    net.stop();
    for (const auto& result : outcomes.wait(2 * kCount)) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), spi::Code::kUnavailable);
    }
    EXPECT_EQ(outcomes.count(), 2 * kCount);
}

TEST_F(TcpExchangeTest, ACompletionMayBeginTheNext) {
    Peer peer([](int) {});
    Outcomes<std::string> outcomes;
    net.exchange(to(peer.port()), [&](spi::Result<std::string> first) {
        EXPECT_TRUE(first);
        net.exchange(to(peer.port()), outcomes.completion());
    });
    EXPECT_TRUE(outcomes.one());
}

TEST(TcpExchangeWithoutLoops, BeginsWithThemAndEndsWithoutThem) {
    Peer peer([](int) {});
    spi::TcpExchange exchange;
    exchange.ip = "127.0.0.1";
    exchange.port = peer.port();
    {
        IoThreads io(1);
        PluginNet net(io, {"127.0.0.1"}, "");
        Outcomes<std::string> outcomes;
        net.exchange(std::move(exchange), outcomes.completion());
        EXPECT_EQ(outcomes.count(), 0u);
        io.start();
        EXPECT_TRUE(outcomes.one());
        net.stop();
        io.stop();
        net.stop();
    }
    IoThreads io(1);
    PluginNet net(io, {"127.0.0.1"}, "");
    Outcomes<std::string> outcomes;
    exchange.ip = "127.0.0.1";
    exchange.port = peer.port();
    net.exchange(std::move(exchange), outcomes.completion());
    Outcomes<std::vector<std::string>> names;
    net.resolve("localhost", 1s, names.completion());
    net.stop();
    EXPECT_EQ(outcomes.one().error().code(), spi::Code::kUnavailable);
    EXPECT_EQ(names.one().error().code(), spi::Code::kUnavailable);
}

}  // namespace
}  // namespace pharos::net
