#include <gtest/gtest.h>

#include "beat/heartbeats.hpp"
#include "testing.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};
const ServiceKey kOther{"n1", "g1", "s0"};

class ClientsTest : public ::testing::Test {
protected:
    void sweep_for(int seconds) {
        for (int i = 0; i < seconds; i += 5) {
            world.executors.advance(5s);
            world.registry.sweep(10s);
        }
    }
    World world;
};

// `protocol/naming.md §6.5`.
TEST_F(ClientsTest, AnIpPortWithoutInstancesGoesAfter30Seconds) {
    const ClientPtr client = world.registry.ip_port_client("1.1.1.1", 80);
    world.publish(client, kService, "1.1.1.1");
    world.withdraw(client, kService, "1.1.1.1");
    sweep_for(30);
    EXPECT_EQ(world.registry.find_ip_port("1.1.1.1", 80), client);
    sweep_for(5);
    EXPECT_EQ(world.registry.find_ip_port("1.1.1.1", 80), nullptr);
    EXPECT_NE(world.publish(client, kService, "1.1.1.1"), "");
    EXPECT_EQ(world.publish(world.registry.ip_port_client("1.1.1.1", 80), kService, "1.1.1.1"), "");
}

TEST_F(ClientsTest, ASubscriberThatAsksStaysAndOneThatDoesNotGoes) {
    const ClientPtr client = world.registry.ip_port_client("1.1.1.1", 50000);
    world.subscribe(client, kService);
    for (int i = 0; i < 10; ++i) {
        sweep_for(10);
        EXPECT_EQ(world.registry.ip_port_client("1.1.1.1", 50000), client);
    }
    sweep_for(35);
    EXPECT_EQ(world.registry.find_ip_port("1.1.1.1", 50000), nullptr);
    EXPECT_EQ(world.registry.count().subscribers, 0u);
}

TEST_F(ClientsTest, ALongerCacheKeepsSubscribersLonger) {
    const ClientPtr client = world.registry.ip_port_client("1.1.1.1", 50000);
    world.subscribe(client, kService);
    world.executors.advance(50s);
    world.registry.sweep(60s);
    EXPECT_NE(world.registry.find_ip_port("1.1.1.1", 50000), nullptr);
    world.executors.advance(11s);
    world.registry.sweep(60s);
    EXPECT_EQ(world.registry.find_ip_port("1.1.1.1", 50000), nullptr);
}

TEST_F(ClientsTest, NobodyOutlives180SecondsOfSilence) {
    world.publish(world.registry.ip_port_client("1.1.1.1", 80), kService, "1.1.1.1");
    sweep_for(180);
    EXPECT_EQ(world.ips(kService), Strings{"1.1.1.1"});
    sweep_for(5);
    EXPECT_EQ(world.ips(kService), Strings{});
}

TEST_F(ClientsTest, ABeatIsASignOfLife) {
    Heartbeats beats(world.registry, world.switches, world.executors, {});
    beats.register_instance(kService, make_instance("1.1.1.1"), [](const spi::Result<TiePtr>&) {});
    for (int i = 0; i < 60; ++i) {
        world.executors.advance(5s);
        beats.beat(kService, make_instance("1.1.1.1"), true,
                   [](const auto& answer) { EXPECT_EQ(answer.value().code, BeatAnswer::kOk); });
        world.registry.sweep(10s);
    }
    EXPECT_EQ(world.ips(kService), Strings{"1.1.1.1"});
}

TEST_F(ClientsTest, Listing) {
    const ClientPtr connection = world.connect(1);
    const ClientPtr ip_port = world.registry.ip_port_client("1.1.1.1", 80);
    world.publish(connection, kService, "2.2.2.2");
    world.publish(ip_port, kOther, "1.1.1.1");
    world.subscribe(connection, kOther, "c1");
    EXPECT_EQ(world.registry.clients(), (std::vector<ClientPtr>{connection, ip_port}));
    EXPECT_EQ(world.registry.find_client(connection->id()), connection);
    EXPECT_EQ(world.registry.find_client("1.1.1.1:80#true"), ip_port);
    EXPECT_EQ(world.registry.find_client("nobody"), nullptr);
    EXPECT_EQ(connection->updated_ms(), world.executors.time.wall);

    const std::vector<TiePtr> ties = Registry::ties(connection);
    ASSERT_EQ(ties.size(), 2u);
    EXPECT_EQ(ties[0]->service->key(), kOther);
    EXPECT_EQ(*ties[0]->subscription.load(), "c1");
    EXPECT_EQ(ties[0]->publication.load(), nullptr);
    EXPECT_EQ(ties[1]->publication.load()->hosts.front()->instance().ip, "2.2.2.2");

    std::vector<ServiceMembers> members;
    Registry::members({world.registry.find(kService), world.registry.find(kOther)},
                      [&](std::vector<ServiceMembers> found) { members = std::move(found); });
    ASSERT_EQ(members.size(), 2u);
    EXPECT_EQ(members[0].publishers.front().tie->client, connection);
    EXPECT_TRUE(members[0].subscribers.empty());
    EXPECT_EQ(members[1].publishers.front().tie->client, ip_port);
    EXPECT_EQ(members[1].subscribers.front()->client, connection);
}

TEST_F(ClientsTest, ServicesAreListedInOrderAndOnlyIfTheyExist) {
    const ClientPtr client = world.connect(1);
    world.publish(client, kService, "1.1.1.1");
    world.publish(client, kOther, "1.1.1.1");
    world.publish(client, {"public", "A_GROUP", "s9"}, "1.1.1.1");
    world.subscribe(client, {"public", "DEFAULT_GROUP", "nobody"});
    const auto names = [&](std::string_view namespace_id) {
        Strings found;
        for (const ServicePtr& service : world.registry.services(namespace_id)) {
            found.push_back(service->grouped_name());
        }
        return found;
    };
    EXPECT_EQ(names(""), (Strings{"g1@@s0", "A_GROUP@@s9", "DEFAULT_GROUP@@s1"}));
    EXPECT_EQ(names("public"), (Strings{"A_GROUP@@s9", "DEFAULT_GROUP@@s1"}));
    EXPECT_EQ(world.registry.all_services().size(), 4u);
}

// Batches count their members; an empty one keeps the service alive (`protocol/naming.md §11`, trap 52).
TEST_F(ClientsTest, BatchesCountTheirMembers) {
    const ClientPtr client = world.connect(1);
    world.publish(client, kService, {make_instance("1.1.1.1"), make_instance("1.1.1.2")});
    EXPECT_EQ(world.registry.count().instances, 2u);
    world.publish(client, kService, std::vector<Instance>{});
    EXPECT_EQ(world.registry.count().instances, 0u);
    EXPECT_TRUE(world.registry.find(kService)->has_publishers());
}

// `protocol/naming.md §11`, trap 3: they coexist, and taking one away leaves the other.
TEST_F(ClientsTest, AConnectionAndAnIpPortMayPublishTheSameAddress) {
    const ClientPtr connection = world.connect(1);
    const ClientPtr ip_port = world.registry.ip_port_client("1.1.1.1", 80);
    world.publish(connection, kService, "1.1.1.1");
    world.publish(ip_port, kService, "1.1.1.1");
    EXPECT_EQ(world.ips(kService), (Strings{"1.1.1.1", "1.1.1.1"}));
    world.withdraw(ip_port, kService, "1.1.1.1");
    EXPECT_EQ(world.ips(kService), Strings{"1.1.1.1"});
}

// Hour jumps, both ways: nobody expires, and times grow (`protocol/naming.md §11`, trap 27).
TEST_F(ClientsTest, AWallClockThatJumpsExpiresNobodyAndTimesGrow) {
    testing::MemoryStore store;
    World jumping(&store);
    Heartbeats beats(jumping.registry, jumping.switches, jumping.executors, {});
    beats.register_instance(kService, make_instance("1.1.1.1"), [](const spi::Result<TiePtr>&) {});
    jumping.publish(jumping.connect(1), kService, "1.1.1.2");
    jumping.override_instance(kService, "9.9.9.9", [](InstanceOverride&) {});
    jumping.create(kOther);
    std::int64_t last = 0;
    spi::ConnectionNumber number = 1;
    for (const std::int64_t jump : {3'600'000, -3'600'000, -3'600'000, 7'200'000}) {
        jumping.executors.time.wall += jump;
        jumping.executors.advance(3s);
        jumping.registry.sweep(10s);
        jumping.catalogue.sweep();
        jumping.executors.run();
        beats.beat(kService, make_instance("1.1.1.1"), true,
                   [](const auto& answer) { EXPECT_EQ(answer.value().code, BeatAnswer::kOk); });
        jumping.publish(jumping.connect(++number), kService, "1.1.1.3");
        const std::int64_t next = jumping.registry.snapshot(kService)->last_ref_time();
        EXPECT_GT(next, last);
        last = next;
    }
    const Strings now = jumping.ips(kService);
    EXPECT_TRUE(std::find(now.begin(), now.end(), "1.1.1.1") != now.end());
    EXPECT_TRUE(jumping.catalogue.find_override(kService, "9.9.9.9", 80, "DEFAULT"));
    EXPECT_NE(jumping.catalogue.find(kOther), nullptr);
}

}  // namespace
}  // namespace pharos::naming
