#include "state/last_views.hpp"

#include <gtest/gtest.h>

#include "testing.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

TEST(ViewCodec, WhatIsStoredComesBackAndNothingElse) {
    Instance full = make_instance("::1", 65535, "c1");
    full.weight = 0.25;
    full.healthy = false;
    full.enabled = false;
    full.id = "an id";
    full.metadata = {{"a", "b"}, {"c", ""}};
    const auto host = std::make_shared<const Host>(full, kService);
    const std::string stored = encode_view({host, host});
    const auto read = decode_view(stored);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), 2u);
    EXPECT_EQ(Host(read->front(), kService).json(), host->json());
    for (std::size_t size = 0; size < stored.size(); ++size) {
        EXPECT_FALSE(decode_view(std::string_view(stored).substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_view(stored + "x"));
}

/// Two runs over one disk.
class SettleTest : public ::testing::Test {
protected:
    /// A run with `count` providers that ends as a kill does: nothing is written any more.
    void run_before(int count, const std::function<void(World&)>& before_the_end = {}) {
        World world(nullptr, &disk);
        for (int i = 0; i < count; ++i) {
            world.publish(world.connect(static_cast<std::uint64_t>(i + 1)), kService, ip(i));
        }
        world.executors.advance(5s);
        if (before_the_end) {
            before_the_end(world);
        }
    }
    static std::string ip(int i) { return "1.1.1." + std::to_string(i); }
    void restart(LastViews::Options options = {}) { world.emplace(nullptr, &disk, options); }

    MemoryKvStore disk;
    std::optional<World> world;
};

// P8: nobody sees an empty list after a restart, and the first providers that come back do not stand alone.
TEST_F(SettleTest, UntilEnoughAreBackTheLastViewIsShown) {
    run_before(4);
    restart();
    EXPECT_EQ(world->ips(kService), (Strings{"1.1.1.0", "1.1.1.1", "1.1.1.2", "1.1.1.3"}));
    EXPECT_EQ(world->registry.list("public", "DEFAULT_GROUP"), Strings{"s1"});
    world->subscribe(world->connect(99), kService);
    EXPECT_NE(world->connections.ack().members.find("1.1.1.3"), std::string::npos);
    world->publish(world->connect(1), kService, "1.1.1.0");
    world->executors.advance(1s);
    EXPECT_TRUE(world->connections.pushes.empty());  // no difference to what was told
    EXPECT_EQ(world->ips(kService).size(), 4u);
    world->publish(world->connect(2), kService, "1.1.1.1");  // half of them: the truth
    world->executors.advance(1s);
    EXPECT_EQ(world->ips(kService), (Strings{"1.1.1.0", "1.1.1.1"}));
    ASSERT_EQ(world->connections.pushes.size(), 1u);
    EXPECT_EQ(world->connections.ack().members.find("1.1.1.3"), std::string::npos);
}

TEST_F(SettleTest, WhenTheTimeIsOverTheTruthIsShownAndTold) {
    run_before(4);
    restart();
    world->subscribe(world->connect(99), kService);
    world->connections.ack();
    EXPECT_EQ(world->last_views.left(), 20s);
    world->executors.advance(19s);
    EXPECT_EQ(world->ips(kService).size(), 4u);
    EXPECT_TRUE(world->connections.pushes.empty());
    EXPECT_EQ(world->registry.count().held_services, 1u);
    world->executors.advance(2s);
    EXPECT_TRUE(world->ips(kService).empty());
    ASSERT_EQ(world->connections.pushes.size(), 1u);
    EXPECT_NE(world->connections.ack().members.find(R"("hosts":[])"), std::string::npos);
    EXPECT_EQ(world->last_views.left(), 0s);
    EXPECT_EQ(world->registry.count().held_services, 0u);
}

TEST_F(SettleTest, ShareAndTimeAreSettings) {
    run_before(4);
    restart({.settle = 60s, .share = 1.0});
    for (int i = 0; i < 3; ++i) {
        world->publish(world->connect(static_cast<std::uint64_t>(i + 1)), kService, ip(i));
    }
    world->executors.advance(59s);
    EXPECT_EQ(world->ips(kService).size(), 4u);
    restart({.settle = 0s});
    EXPECT_TRUE(world->ips(kService).empty());
}

TEST_F(SettleTest, ALiveInstanceStandsForItselfAndNewOnesAreShown) {
    run_before(4);
    restart();
    world->subscribe(world->connect(99), kService);
    world->connections.ack();
    Instance changed = make_instance(ip(0));
    changed.metadata = {{"version", "2"}};
    world->publish(world->connect(1), kService, {changed});
    ASSERT_EQ(world->connections.pushes.size(), 1u);
    EXPECT_NE(world->connections.ack().members.find(R"("version":"2")"), std::string::npos);
    EXPECT_EQ(world->ips(kService).size(), 4u);
    restart();
    world->publish(world->connect(7), kService, "7.7.7.7");
    EXPECT_EQ(world->ips(kService).size(), 5u);
}

TEST_F(SettleTest, WhoEndsWithoutAWordStaysInTheViewAndWhoDeregistersDoesNot) {
    run_before(6);
    restart();
    const ClientPtr first = world->connect(1);
    world->publish(first, kService, ip(0));
    world->publish(world->connect(2), kService, ip(1));
    world->registry.remove_connection(2);
    EXPECT_EQ(world->ips(kService).size(), 6u);
    world->subscribe(world->connect(99), kService);
    world->connections.ack();
    world->withdraw(first, kService, ip(0));
    EXPECT_EQ(world->ips(kService), (Strings{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5"}));
    ASSERT_EQ(world->connections.pushes.size(), 1u);
    world->connections.ack();
    // Deregistered by a client that has not registered since the restart: the request names it.
    world->withdraw(world->connect(3), kService, ip(2));
    world->withdraw(nullptr, kService, ip(3));
    EXPECT_EQ(world->ips(kService), (Strings{"1.1.1.1", "1.1.1.4", "1.1.1.5"}));
}

TEST_F(SettleTest, ABatchThatShrinksTakesWhatIsMissingOutOfTheView) {
    run_before(6);
    restart();
    const ClientPtr client = world->connect(1);
    world->publish(client, kService, {make_instance(ip(0)), make_instance(ip(1))});
    world->publish(client, kService, {make_instance(ip(0))});
    EXPECT_EQ(world->ips(kService), (Strings{"1.1.1.0", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5"}));
}

TEST_F(SettleTest, AStopDoesNotWriteEmptyViews) {
    run_before(3, [](World& world) {
        for (spi::ConnectionNumber number = 1; number <= 3; ++number) {
            world.registry.remove_connection(number);  // what a stop does first
        }
        world.executors.advance(5s);
    });
    restart();
    EXPECT_EQ(world->ips(kService).size(), 3u);
}

TEST_F(SettleTest, WhatReallyEndedIsForgotten) {
    run_before(3, [](World& world) {
        world.registry.remove_connection(1);
        world.withdraw(world.registry.find_connection(2), kService, ip(1));
        world.executors.advance(20s);
    });
    restart();
    EXPECT_EQ(world->ips(kService), Strings{"1.1.1.2"});
}

TEST_F(SettleTest, AServiceWithoutInstancesLeavesTheDisk) {
    run_before(1, [](World& world) {
        EXPECT_NE(world.registry.find(kService), nullptr);
        world.withdraw(world.registry.find_connection(1), kService, ip(0));
        world.executors.advance(5s);
    });
    EXPECT_TRUE(disk.values.empty());
}

TEST_F(SettleTest, ASecondKillWhileSettlingLosesNothing) {
    run_before(4);
    restart();
    world->publish(world->connect(1), kService, "1.1.1.9");
    world->executors.advance(5s);
    restart();
    EXPECT_EQ(world->ips(kService).size(), 5u);
}

TEST_F(SettleTest, ChangesAreWrittenTogetherAndOnlyWhenThereAreSome) {
    World quiet(nullptr, &disk);
    quiet.executors.advance(60s);
    EXPECT_EQ(disk.writes, 0);
    for (int i = 0; i < 50; ++i) {
        quiet.publish(quiet.connect(static_cast<std::uint64_t>(i + 1)), kService, ip(i));
    }
    EXPECT_EQ(disk.writes, 0);  // not in the call
    quiet.executors.advance(4s);
    EXPECT_EQ(disk.writes, 1);
    quiet.executors.advance(60s);
    EXPECT_EQ(disk.writes, 1);
}

TEST_F(SettleTest, WhatCanNotBeReadIsLeftOut) {
    run_before(1);
    disk.values["naming/view/public" + std::string(1, '\0') + "g" + std::string(1, '\0') + "s"] = "nonsense";
    disk.values["naming/view/x"] = "nonsense";
    restart();
    EXPECT_EQ(world->ips(kService), Strings{"1.1.1.0"});
}

// A view must not make an instance of a service that has become persistent.
TEST_F(SettleTest, AHeldServiceIsNotEmpty) {
    run_before(2);
    testing::MemoryStore store;
    World held(&store, &disk);
    EXPECT_EQ(held.remove(kService),
              "Service DEFAULT_GROUP@@s1 is not empty, can't be delete. Please unregister instance first");
    EXPECT_EQ(held.create(kService), "specified service DEFAULT_GROUP@@s1 already exists!");
    held.executors.advance(21s);
    EXPECT_EQ(held.remove(kService), "");
}

}  // namespace
}  // namespace pharos::naming
