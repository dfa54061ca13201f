#include "index/registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <pharos/testing/fakes.hpp>

#include "push/pusher.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

PublicationPtr publication(const std::string& ip, const ServiceKey& key = kService) {
    Instance instance;
    instance.ip = ip;
    instance.port = 80;
    auto made = std::make_shared<Publication>();
    made->hosts.push_back(std::make_shared<const Host>(std::move(instance), key));
    return made;
}

class RegistryTest : public ::testing::Test {
protected:
    RegistryTest() { registry.add_listener(pusher); }

    ClientPtr connect(spi::ConnectionNumber number) {
        return registry.add_connection(testing::make_connection(number));
    }
    void publish(const ClientPtr& client, const std::string& ip) {
        registry.publish(client, kService, publication(ip), [](const spi::Result<TiePtr>&) {});
    }
    void subscribe(const ClientPtr& client) {
        registry.subscribe(client, kService, "", [](const spi::Result<TiePtr>&) {});
    }
    std::vector<std::string> ips() {
        std::vector<std::string> found;
        const SnapshotPtr shown = registry.snapshot(kService);
        for (const HostPtr& host : shown->hosts()) {
            found.push_back(host->instance().ip);
        }
        return found;
    }
    static std::int64_t ref_time(const std::string& members) {
        return std::stoll(members.substr(members.find("\"lastRefTime\":") + 14));
    }

    testing::FakeExecutors executors;
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    Registry registry{executors, 16};
    Switches switches;
    Pusher pusher{registry, switches, executors, connections, metrics, log};
};

using Strings = std::vector<std::string>;

// `protocol/naming.md §11`, traps 1 and 2.
TEST_F(RegistryTest, AConnectionHasOneRecordAServiceAndTheLastOneCounts) {
    const ClientPtr client = connect(1);
    publish(client, "1.1.1.1");
    publish(client, "1.1.1.2");
    EXPECT_EQ(ips(), Strings{"1.1.1.2"});
    registry.withdraw(client, kService, "", 0, [](const spi::Result<TiePtr>&) {});
    EXPECT_EQ(ips(), Strings{});
}

TEST_F(RegistryTest, TheEndOfAConnectionTakesAllItsRecordsAway) {
    const ClientPtr first = connect(1);
    const ClientPtr second = connect(2);
    publish(first, "1.1.1.1");
    publish(second, "1.1.1.2");
    registry.remove_connection(1);
    EXPECT_EQ(ips(), Strings{"1.1.1.2"});
    bool applied = true;
    registry.publish(first, kService, publication("1.1.1.9"),
                     [&](const spi::Result<TiePtr>& tie) { applied = tie.is_ok(); });
    EXPECT_FALSE(applied);
    EXPECT_EQ(ips(), Strings{"1.1.1.2"});
}

TEST_F(RegistryTest, ReadsNeverMakeAService) {
    EXPECT_TRUE(registry.snapshot(kService)->hosts().empty());
    EXPECT_EQ(registry.find(kService), nullptr);
    EXPECT_TRUE(registry.list("public", "DEFAULT_GROUP").empty());
}

TEST_F(RegistryTest, ListsOnlyServicesThatSomebodyPublishes) {
    subscribe(connect(1));
    EXPECT_TRUE(registry.list("public", "DEFAULT_GROUP").empty());
    publish(connect(2), "1.1.1.1");
    EXPECT_EQ(registry.list("public", "DEFAULT_GROUP"), Strings{"s1"});
    EXPECT_TRUE(registry.list("other", "DEFAULT_GROUP").empty());
}

// `protocol/naming.md §11`, traps 25 and 27: one push after the subscription, also when there are no hosts, newer than
// the reply; a repeated subscription gives none.
TEST_F(RegistryTest, TheFirstPushFollowsTheSubscriptionAndIsNewerThanItsReply) {
    const ClientPtr client = connect(1);
    std::int64_t replied = 0;
    registry.subscribe(client, kService, "", [&](const spi::Result<TiePtr>& tie) {
        replied = tie.value()->service->snapshot()->last_ref_time();
    });
    ASSERT_EQ(connections.pushes.size(), 1u);
    const auto push = connections.ack();
    EXPECT_EQ(push.type, "NotifySubscriberRequest");
    EXPECT_GT(ref_time(push.members), replied);
    subscribe(client);
    EXPECT_TRUE(connections.pushes.empty());
}

TEST_F(RegistryTest, PushBodyIsTheProtocolsShape) {
    subscribe(connect(1));
    connections.ack();
    executors.advance(1s);
    publish(connect(2), "1.1.1.1");
    ASSERT_EQ(connections.pushes.size(), 1u);
    const std::string members = connections.ack().members;
    EXPECT_TRUE(members.starts_with(R"("serviceInfo":{"name":"s1","groupName":"DEFAULT_GROUP","clusters":"",)"
                                    R"("cacheMillis":10000,"hosts":[{"instanceId":"1.1.1.1#80#DEFAULT#)"))
        << members;
    EXPECT_TRUE(members.ends_with(R"("valid":true},"module":"naming"})")) << members;
}

TEST_F(RegistryTest, LastRefTimeGrowsStrictlyWhateverTheWallClockDoes) {
    subscribe(connect(1));
    std::int64_t last = ref_time(connections.ack().members);
    const ClientPtr publisher = connect(2);
    for (int i = 0; i < 20; ++i) {
        executors.time.wall -= 3'600'000;
        publish(publisher, "1.1.1." + std::to_string(i));
        executors.advance(1s);
        ASSERT_EQ(connections.pushes.size(), 1u);
        const std::int64_t next = ref_time(connections.ack().members);
        EXPECT_GT(next, last);
        last = next;
    }
}

TEST_F(RegistryTest, ARepeatedRegistrationTellsNobody) {
    const ClientPtr publisher = connect(2);
    publish(publisher, "1.1.1.1");
    subscribe(connect(1));
    connections.ack();
    publish(publisher, "1.1.1.1");
    executors.advance(1s);
    EXPECT_TRUE(connections.pushes.empty());
}

TEST_F(RegistryTest, WhatChangesWhileAPushIsOnItsWayIsToldOnceAfterwards) {
    subscribe(connect(1));
    connections.ack();
    const ClientPtr publisher = connect(2);
    publish(publisher, "1.1.1.1");
    for (int i = 2; i < 9; ++i) {
        publish(publisher, "1.1.1." + std::to_string(i));
        executors.advance(1s);
    }
    ASSERT_EQ(connections.pushes.size(), 1u);
    connections.ack();
    ASSERT_EQ(connections.pushes.size(), 1u);
    EXPECT_NE(connections.ack().members.find("1.1.1.8"), std::string::npos);
    EXPECT_TRUE(connections.pushes.empty());
}

TEST_F(RegistryTest, AFailedPushIsTriedAgainWithFreshDataAndGrowingDelay) {
    subscribe(connect(1));
    connections.ack();
    const ClientPtr publisher = connect(2);
    publish(publisher, "1.1.1.1");
    connections.fail(spi::Code::kTimeout);
    executors.advance(900ms);
    EXPECT_TRUE(connections.pushes.empty());
    executors.advance(200ms);
    ASSERT_EQ(connections.pushes.size(), 1u);
    connections.fail(spi::Code::kTimeout);
    executors.advance(1900ms);
    EXPECT_TRUE(connections.pushes.empty());
    publish(publisher, "1.1.1.2");  // comes to a subscriber that is free again: told at once
    executors.advance(100ms);
    ASSERT_FALSE(connections.pushes.empty());
    EXPECT_NE(connections.ack().members.find("1.1.1.2"), std::string::npos);
}

TEST_F(RegistryTest, ASubscriberThatTakesNothingFor300SecondsIsClosed) {
    subscribe(connect(1));
    for (int i = 0; i < 100 && connections.closed.empty(); ++i) {
        while (!connections.pushes.empty()) {
            connections.fail(spi::Code::kTimeout);
        }
        executors.advance(31s);
    }
    ASSERT_EQ(connections.closed.size(), 1u);
    EXPECT_EQ(connections.closed.front().first, 1u);
}

TEST_F(RegistryTest, AConnectionHasAtMostEightPushesInFlight) {
    const ClientPtr client = connect(1);
    for (int i = 0; i < 20; ++i) {
        registry.subscribe(client, {"public", "DEFAULT_GROUP", "s" + std::to_string(i)}, "",
                           [](const spi::Result<TiePtr>&) {});
    }
    EXPECT_EQ(connections.pushes.size(), 8u);
    int told = 0;
    for (; !connections.pushes.empty(); ++told) {
        connections.ack();
        EXPECT_LE(connections.pushes.size(), 8u);
    }
    EXPECT_EQ(told, 20);
}

TEST_F(RegistryTest, UnsubscribedMeansNoMorePushes) {
    const ClientPtr client = connect(1);
    subscribe(client);
    connections.ack();
    registry.unsubscribe(client, kService, [](const spi::Result<TiePtr>&) {});
    publish(connect(2), "1.1.1.1");
    executors.advance(1s);
    EXPECT_TRUE(connections.pushes.empty());
}

TEST_F(RegistryTest, AnIdleServiceIsForgottenAndAUsedOneIsNot) {
    const ClientPtr client = connect(1);
    subscribe(client);
    connections.ack();
    for (int i = 0; i < 5; ++i) {
        registry.drop_unused();
    }
    EXPECT_NE(registry.find(kService), nullptr);
    registry.unsubscribe(client, kService, [](const spi::Result<TiePtr>&) {});
    for (int i = 0; i < 5; ++i) {
        registry.drop_unused();
    }
    EXPECT_EQ(registry.find(kService), nullptr);
    publish(client, "1.1.1.1");
    EXPECT_EQ(ips(), Strings{"1.1.1.1"});
}

// What overtakes what must not matter: the last wish of every client is what stays.
TEST(RegistryThreads, TheLastWishOfEveryClientStays) {
    testing::FakeExecutors executors;
    testing::FakeConnections connections;
    testing::FakeMetrics metrics;
    testing::NullLog log;
    Registry registry(executors, 4);
    Switches switches;
    Pusher pusher(registry, switches, executors, connections, metrics, log);
    registry.add_listener(pusher);
    constexpr int kClients = 4;
    std::vector<std::thread> threads;
    std::atomic<int> done{0};
    for (int c = 0; c < kClients; ++c) {
        threads.emplace_back([&, c] {
            const ClientPtr client =
                registry.add_connection(testing::make_connection(static_cast<std::uint64_t>(c + 1)));
            for (int i = 0; i < 2000; ++i) {
                const std::string ip = std::to_string(c) + ".0.0." + std::to_string(i % 250);
                registry.publish(client, kService, publication(ip), [&](const spi::Result<TiePtr>&) { ++done; });
                if (i % 3 == 0) {
                    registry.withdraw(client, kService, "", 0, [&](const spi::Result<TiePtr>&) { ++done; });
                } else {
                    ++done;
                }
            }
            if (c % 2 == 0) {
                registry.remove_connection(static_cast<std::uint64_t>(c + 1));
            } else {
                registry.publish(client, kService, publication(std::to_string(c) + ".9.9.9"),
                                 [](const spi::Result<TiePtr>&) {});
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    executors.run();
    EXPECT_EQ(done, kClients * 2000 * 2);
    std::vector<std::string> ips;
    const SnapshotPtr shown = registry.snapshot(kService);
    for (const HostPtr& host : shown->hosts()) {
        ips.push_back(host->instance().ip);
    }
    std::sort(ips.begin(), ips.end());
    EXPECT_EQ(ips, (Strings{"1.9.9.9", "3.9.9.9"}));
}

}  // namespace
}  // namespace pharos::naming
