#include "push/udp_pusher.hpp"

#include <thread>

#include <gtest/gtest.h>

#include <pharos/testing/fakes.hpp>

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

const ServiceKey kService{"public", "DEFAULT_GROUP", "ud1"};
constexpr std::uint16_t kPort = 55001;

class UdpPusherTest : public ::testing::Test {
protected:
    UdpPusherTest() {
        registry.add_listener(pusher);
        pusher.set_datagrams(udp);
        EXPECT_TRUE(udp.start(net, 0));
    }

    void ask(std::string_view clusters = "", std::uint16_t port = kPort, std::string_view ip = "10.9.8.7",
             std::string_view agent = "Nacos-Java-Client:v1.4.6") {
        udp.on_list(kService, clusters, {.ip = ip, .port = port, .agent = agent, .app = "app1"});
        executors.run();
    }
    void publish(int number, std::size_t padding = 0, std::string cluster = "DEFAULT") {
        Instance instance;
        instance.ip = "1.1.1." + std::to_string(number);
        instance.port = 80;
        instance.cluster = std::move(cluster);
        instance.metadata = {{"padding", std::string(padding, 'x')}};
        auto made = std::make_shared<Publication>();
        made->hosts.push_back(std::make_shared<const Host>(std::move(instance), kService));
        registry.publish(registry.add_connection(testing::make_connection(static_cast<std::uint64_t>(number))),
                         kService, std::move(made), [](const auto&) {});
        executors.run();
    }
    static std::int64_t id_of(const testing::FakeNet::Sent& sent) {
        return std::stoll(sent.data.substr(sent.data.rfind("\"lastRefTime\":") + 14));
    }
    void ack(std::int64_t id, std::uint16_t port = kPort, std::string_view ip = "10.9.8.7") {
        net.receive(ip, port, R"({"type":"push-ack","lastRefTime":")" + std::to_string(id) + R"(","data":""})");
    }
    void ack_all() {
        while (!net.sent.empty()) {
            const auto sent = net.take();
            ack(id_of(sent), sent.port, sent.ip);
        }
    }
    std::uint64_t count(const std::string& what) {
        return metrics.counters.at("pharos_naming_udp_" + what + "_total")->value();
    }

    testing::FakeExecutors executors;
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    testing::FakeNet net;
    Switches switches;
    Registry registry{executors, 16};
    Pusher pusher{registry, switches, executors, connections, metrics, log};
    UdpPusher udp{registry, switches, executors, metrics, log};
};

// `protocol/naming.md §10`, UDP packet (small).
TEST_F(UdpPusherTest, TheFirstPushFollowsTheSubscriptionOnce) {
    ask();
    ASSERT_EQ(net.sent.size(), 1u);
    const auto sent = net.take();
    EXPECT_EQ(sent.ip, "10.9.8.7");
    EXPECT_EQ(sent.port, kPort);
    const std::int64_t inner = registry.snapshot(kService)->last_ref_time();
    EXPECT_EQ(sent.data,
              R"({"type":"dom","data":"{\"name\":\"DEFAULT_GROUP@@ud1\",\"clusters\":\"\",\"cacheMillis\":10000,)"
              R"(\"hosts\":[],\"lastRefTime\":)" +
                  std::to_string(inner) +
                  R"(,\"checksum\":\"\",\"allIps\":false,\"allIPs\":false,\"reachProtectionThreshold\":false,)"
                  R"(\"valid\":true}","lastRefTime":)" +
                  std::to_string(id_of(sent)) + "}");
    EXPECT_NE(id_of(sent), inner);
    EXPECT_LT(id_of(sent), std::int64_t{1} << 53);
    ask();
    EXPECT_TRUE(net.sent.empty()) << "a renewal is no news";
}

TEST_F(UdpPusherTest, ChangesAreToldWithGrowingIds) {
    ask();
    const std::int64_t first = id_of(net.take());
    publish(1);
    ASSERT_EQ(net.sent.size(), 1u);
    const auto second = net.take();
    EXPECT_GT(id_of(second), first);
    EXPECT_NE(second.data.find("1.1.1.1"), std::string::npos);
    EXPECT_NE(second.data.find(R"(\"serviceName\":\"DEFAULT_GROUP@@ud1\")"), std::string::npos);
    EXPECT_EQ(second.data.find("groupName"), std::string::npos);
}

TEST_F(UdpPusherTest, OnlyTheClustersThatWereSubscribed) {
    ask("c1");
    publish(1, 0, "c1");
    publish(2, 0, "c2");
    executors.advance(1s);
    ASSERT_FALSE(net.sent.empty());
    const std::string last = net.sent.back().data;
    EXPECT_NE(last.find("1.1.1.1"), std::string::npos);
    EXPECT_EQ(last.find("1.1.1.2"), std::string::npos);
    EXPECT_NE(last.find(R"(\"clusters\":\"c1\")"), std::string::npos);
}

TEST_F(UdpPusherTest, ManyChangesAreMerged) {
    ask();
    ack_all();
    for (int i = 1; i <= 100; ++i) {
        publish(i);
    }
    executors.advance(2s);
    EXPECT_LE(net.sent.size(), 5u);
    EXPECT_EQ(registry.snapshot(kService)->hosts().size(), 100u);
}

// `protocol/naming.md §5`: 10 s for the ack, once more, 10 s, given up.
TEST_F(UdpPusherTest, WithoutAckItIsSentOnceMoreAndThenGivenUp) {
    ask();
    const std::int64_t id = id_of(net.take());
    executors.advance(9900ms);
    EXPECT_TRUE(net.sent.empty());
    executors.advance(200ms);
    ASSERT_EQ(net.sent.size(), 1u);
    EXPECT_EQ(id_of(net.take()), id);
    EXPECT_EQ(count("retried"), 1u);
    ask();
    executors.advance(9800ms);
    EXPECT_EQ(count("failed"), 0u);
    executors.advance(200ms);
    EXPECT_EQ(count("failed"), 1u);
    ask();
    executors.advance(20s);
    EXPECT_TRUE(net.sent.empty());
    ack(id);
    EXPECT_EQ(count("acked"), 0u) << "too late";
    publish(1);
    EXPECT_EQ(net.sent.size(), 1u) << "what comes later is told";
}

TEST_F(UdpPusherTest, AnAckEndsIt) {
    ask();
    const std::int64_t id = id_of(net.take());
    ack(id, kPort + 1);
    ack(id, kPort, "10.9.8.8");
    ack(id + 1);
    net.receive("10.9.8.7", kPort, "no ack");
    EXPECT_EQ(count("acked"), 0u) << "only who was told can say so";
    net.receive("10.9.8.7", kPort, R"({"type":"dump-ack","lastRefTime":)" + std::to_string(id) + "}");
    EXPECT_EQ(count("acked"), 1u);
    ack(id);
    EXPECT_EQ(count("acked"), 1u);
    executors.advance(25s);
    EXPECT_TRUE(net.sent.empty());
    EXPECT_EQ(count("retried") + count("failed"), 0u);
}

TEST_F(UdpPusherTest, AnAckOfTheRepetitionCountsAsWell) {
    ask();
    const std::int64_t id = id_of(net.take());
    executors.advance(11s);
    net.take();
    ack(id);
    EXPECT_EQ(count("acked"), 1u);
    executors.advance(15s);
    EXPECT_EQ(count("failed"), 0u);
}

TEST_F(UdpPusherTest, ANewerPushTakesTheOlderOnesPlace) {
    ask();
    const std::int64_t old = id_of(net.take());
    executors.advance(5s);
    publish(1);
    const std::int64_t newer = id_of(net.take());
    executors.advance(6s);
    EXPECT_TRUE(net.sent.empty()) << "nobody needs the older one any more";
    ack(old);
    EXPECT_EQ(count("acked"), 0u);
    executors.advance(5s);
    ASSERT_EQ(net.sent.size(), 1u);
    EXPECT_EQ(id_of(net.sent.front()), newer);
}

TEST_F(UdpPusherTest, WhatCannotBeSentIsTriedOnceMore) {
    net.failure = spi::Status(spi::Code::kUnavailable, "no way there");
    ask();
    net.failure = {};
    executors.advance(11s);
    EXPECT_EQ(net.sent.size(), 1u);
}

// `protocol/naming.md §6.5`, trap 40: idle for longer than max(30 s, cacheMillis).
TEST_F(UdpPusherTest, WhoAsksNoMoreIsForgotten) {
    ask();
    ack_all();
    executors.advance(25s);
    ask();
    executors.advance(29s);
    publish(1);
    EXPECT_EQ(net.sent.size(), 1u) << "each question renews";
    ack_all();
    executors.advance(7s);
    EXPECT_EQ(registry.find(kService)->subscriber_count(), 0u);
    publish(2);
    executors.advance(1s);
    EXPECT_TRUE(net.sent.empty());
    ask();
    EXPECT_EQ(net.sent.size(), 1u) << "it may come back";
}

TEST_F(UdpPusherTest, ALongCacheMakesALongLife) {
    switches.set("pushCacheMillis", "60000", true, [](const auto& done) { ASSERT_TRUE(done); });
    executors.run();
    ask();
    EXPECT_NE(net.sent.front().data.find(R"(\"cacheMillis\":60000)"), std::string::npos);
    ack_all();
    executors.advance(59s);
    EXPECT_EQ(registry.find(kService)->subscriber_count(), 1u);
    executors.advance(7s);
    EXPECT_EQ(registry.find(kService)->subscriber_count(), 0u);
}

TEST_F(UdpPusherTest, NothingWaitsWhenNobodySubscribes) {
    ask();
    ack_all();
    executors.advance(2min);
    EXPECT_EQ(executors.timer_queue.armed(), 0u);
}

TEST_F(UdpPusherTest, PushesThatAreOffSubscribeNobody) {
    switches.set("pushEnabled", "false", true, [](const auto& done) { ASSERT_TRUE(done); });
    executors.run();
    ask();
    publish(1);
    EXPECT_TRUE(net.sent.empty());
    EXPECT_EQ(registry.find(kService)->subscriber_count(), 0u);
}

TEST_F(UdpPusherTest, OtherClientsAndAddressesAreNotTold) {
    ask("", kPort, "10.9.8.7", "Nacos-Python-Client:v1.0.0");
    ask("", 0);
    ask("", kPort, "host.example");
    ask("", kPort, "");
    EXPECT_TRUE(net.sent.empty());
}

TEST_F(UdpPusherTest, AddressesHaveOneSpelling) {
    ask("", kPort, "0:0:0:0:0:0:0:1");
    ask("", kPort, "[::1]");
    ask("", kPort, "::ffff:10.9.8.7");
    ask();
    ASSERT_EQ(net.sent.size(), 2u);
    EXPECT_EQ(net.sent[0].ip, "::1");
    EXPECT_EQ(net.sent[1].ip, "10.9.8.7");
}

TEST_F(UdpPusherTest, AClientOnThisMachineMayAnswerFromLoopback) {
    ask();
    ack(id_of(net.take()), kPort, "127.0.0.1");
    EXPECT_EQ(count("acked"), 1u);
}

TEST_F(UdpPusherTest, WhatNoDatagramHoldsIsCountedAndNotSent) {
    ask();
    ack_all();
    auto made = std::make_shared<Publication>();
    std::uint32_t noise = 1;
    for (int i = 0; i < 250; ++i) {
        Instance instance;
        instance.ip = "1.1.2." + std::to_string(i);
        std::string text;
        for (int c = 0; c < 500; ++c) {
            noise = noise * 1664525u + 1013904223u;
            text += static_cast<char>('A' + noise / 65536 % 26);
        }
        instance.metadata = {{"noise", text}};
        made->hosts.push_back(std::make_shared<const Host>(std::move(instance), kService));
    }
    registry.publish(registry.add_connection(testing::make_connection(1)), kService, std::move(made),
                     [](const auto&) {});
    executors.run();
    EXPECT_TRUE(net.sent.empty());
    EXPECT_EQ(count("too_large"), 1u);
    executors.advance(25s);
    EXPECT_EQ(count("failed") + count("retried"), 0u);
}

TEST_F(UdpPusherTest, TheSubscriberIsShown) {
    ask();
    const ClientPtr client = registry.find_client("10.9.8.7:55001#true");
    ASSERT_NE(client, nullptr);
    const SubscriberInfoPtr info = client->subscriber_info();
    ASSERT_NE(info, nullptr);
    EXPECT_EQ(info->ip, "10.9.8.7");
    EXPECT_EQ(info->port, kPort);
    EXPECT_EQ(info->agent, "Nacos-Java-Client:v1.4.6");
    EXPECT_EQ(info->app, "app1");
}

TEST_F(UdpPusherTest, NothingIsSentAfterTheStop) {
    ask();
    ack_all();
    udp.stop(1s);
    publish(1);
    ack(kFirstUdpId);
    executors.advance(30s);
    EXPECT_TRUE(net.sent.empty());
}

TEST_F(UdpPusherTest, BeyondTheLimitNobodyIsSubscribedUntilSomebodyLeaves) {
    testing::FakeMetrics own_metrics;
    testing::FakeNet own_net;
    UdpPusher small(registry, switches, executors, own_metrics, log, 2);
    ASSERT_TRUE(small.start(own_net, 0));
    const auto ask_small = [&](std::uint16_t port) {
        small.on_list(kService, "", {.ip = "10.9.8.7", .port = port, .agent = "Nacos-Java-Client:v1.4.6", .app = ""});
        executors.run();
        return registry.find_ip_port("10.9.8.7", port) != nullptr;
    };
    EXPECT_TRUE(ask_small(1));
    EXPECT_TRUE(ask_small(2));
    EXPECT_FALSE(ask_small(3)) << "who is refused leaves no client behind";
    EXPECT_EQ(registry.find(kService)->subscriber_count(), 2u);
    const spi::Counter& refused = *own_metrics.counters.at("pharos_limit_refused_total");
    EXPECT_EQ(refused.value(), 1u);
    // Those that are there renew.
    EXPECT_TRUE(ask_small(2));
    EXPECT_EQ(refused.value(), 1u);
    executors.advance(20s);
    EXPECT_TRUE(ask_small(2));
    executors.advance(20s);  // the first has been silent for 40 s
    EXPECT_TRUE(ask_small(3));
    EXPECT_EQ(refused.value(), 1u);
    EXPECT_EQ(registry.find(kService)->subscriber_count(), 2u);
    small.stop(1s);
}

/// A client that acks whatever it gets, on a thread of its own.
class EchoNet final : public spi::Net {
public:
    spi::Result<std::unique_ptr<spi::UdpSocket>> open_udp(std::uint16_t, spi::UdpReceiver receiver) noexcept override {
        return std::unique_ptr<spi::UdpSocket>(std::make_unique<Socket>(std::move(receiver)));
    }
    void exchange(spi::TcpExchange, spi::Completion<std::string> done) noexcept override { done(none()); }
    void http_get(spi::HttpCall, spi::Completion<spi::HttpAnswer> done) noexcept override { done(none()); }
    void resolve(std::string, spi::Duration, spi::Completion<std::vector<std::string>> done) noexcept override {
        done(none());
    }
    void resolve_srv(std::string, spi::Duration, spi::Completion<std::vector<spi::SrvRecord>> done) noexcept override {
        done(none());
    }

private:
    static spi::Status none() { return {spi::Code::kUnavailable, "datagrams only"}; }

    class Socket final : public spi::UdpSocket {
    public:
        explicit Socket(spi::UdpReceiver receiver) : receiver_(std::move(receiver)) {}
        ~Socket() override { client_.finish(); }
        spi::Status send_to(std::string_view ip, std::uint16_t port, spi::Pieces data) noexcept override {
            std::string id(data.back().text);
            id.pop_back();
            client_.post([this, id, ip = std::string(ip), port] {
                receiver_({ip, port, R"({"type":"push-ack","lastRefTime":)" + id + "}"});
            });
            return {};
        }
        [[nodiscard]] const std::string& bound_to() const noexcept override { return bound_to_; }

    private:
        spi::UdpReceiver receiver_;
        const std::string bound_to_ = "127.0.0.1:40123";
        testing::ThreadPool client_{1};
    };
};

// What arrives, changes and is asked at once must not race; every push is acked or replaced, and the end is clean.
TEST(UdpPusherThreads, AskingChangingAndAckingAtOnce) {
    testing::ThreadedExecutors executors(2);
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    EchoNet net;
    Switches switches;
    Registry registry(executors, 4);
    Pusher pusher(registry, switches, executors, connections, metrics, log);
    UdpPusher udp(registry, switches, executors, metrics, log);
    registry.add_listener(pusher);
    pusher.set_datagrams(udp);
    ASSERT_TRUE(udp.start(net, 0));
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 500; ++i) {
                udp.on_list(kService, i % 100 == 0 ? "c1" : "",
                            {.ip = "10.9.8.7",
                             .port = static_cast<std::uint16_t>(1 + i % 20 + 20 * t),
                             .agent = "Nacos-Go-Client:v1.0.1",
                             .app = ""});
            }
        });
    }
    threads.emplace_back([&] {
        const ClientPtr client = registry.ip_port_client("1.1.1.1", 80);
        for (int i = 0; i < 500; ++i) {
            Instance instance;
            instance.ip = "1.1.1.1";
            instance.port = 80;
            instance.weight = i;
            auto made = std::make_shared<Publication>();
            made->hosts.push_back(std::make_shared<const Host>(std::move(instance), kService));
            registry.publish(client, kService, std::move(made), [](const auto&) {});
        }
    });
    for (std::thread& thread : threads) {
        thread.join();
    }
    executors.pool.finish();
    udp.stop(1s);
    const auto count = [&](const char* name) { return metrics.counters.at(name)->value(); };
    EXPECT_GE(count("pharos_naming_udp_sent_total"), 40u) << "each subscriber is told at least once";
    EXPECT_GE(count("pharos_naming_udp_acked_total"), 1u);
    EXPECT_LE(count("pharos_naming_udp_acked_total"), count("pharos_naming_udp_sent_total"));
    EXPECT_EQ(registry.find(kService)->subscriber_count(), 40u);
}

}  // namespace
}  // namespace pharos::naming
