#include "persistent/persistent_instances.hpp"

#include <gtest/gtest.h>

#include "persistent/stored_instance.hpp"
#include "state/store_keys.hpp"
#include "testing.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};
const ServiceKey kOther{"public", "DEFAULT_GROUP", "s2"};
constexpr const char* kEphemeralService =
    "Current service DEFAULT_GROUP@@s1 is ephemeral service, can't register persistent instance.";
constexpr const char* kPersistentService =
    "Current service DEFAULT_GROUP@@s1 is persistent service, can't register ephemeral instance.";

StoredAddress at(const std::string& ip) { return {kService, ip, 80}; }

class PersistentInstancesTest : public ::testing::Test {
protected:
    testing::MemoryStore store;
    World world{&store};
};

TEST_F(PersistentInstancesTest, IsStoredAndShown) {
    EXPECT_EQ(world.keep(kService, "1.1.1.1"), "");
    ASSERT_NE(world.shown(kService, "1.1.1.1"), nullptr);
    EXPECT_NE(world.shown(kService, "1.1.1.1")->json().find(R"("ephemeral":false)"), std::string::npos);
    EXPECT_TRUE(store.data.contains(instance_key(at("1.1.1.1"))));
    EXPECT_FALSE(world.registry.find(kService)->is_ephemeral());
    EXPECT_EQ(world.registry.count().persistent_clients, 1u);
    EXPECT_EQ(world.registry.count().ip_port_clients, 0u);
    const ClientPtr client = world.registry.find_client("1.1.1.1:80#false");
    ASSERT_NE(client, nullptr);
    EXPECT_TRUE(client->is_persistent());
}

// The answer comes when the instance can be read, and not before it is on disk.
TEST_F(PersistentInstancesTest, NothingIsShownOrAnsweredBeforeItIsDurable) {
    store.manual = true;
    EXPECT_EQ(world.keep(kService, "1.1.1.1"), "not answered");
    EXPECT_EQ(world.shown(kService, "1.1.1.1"), nullptr);
    store.manual = false;
    std::string said = "not answered";
    world.persistent.writer().deregister_instance(kOther, "9.9.9.9", 80,
                                                  [&](auto outcome) { said = outcome ? "" : "?"; });
    EXPECT_EQ(said, "");
    store.flush();
    world.executors.run();
    EXPECT_NE(world.shown(kService, "1.1.1.1"), nullptr);
}

TEST_F(PersistentInstancesTest, AFailedWriteChangesNothing) {
    store.failure = {spi::Code::kUnavailable, "no leader"};
    EXPECT_EQ(world.keep(kService, "1.1.1.1"), "no leader");
    EXPECT_EQ(world.shown(kService, "1.1.1.1"), nullptr);
    store.failure = {};
    // Neither does it stay reserved.
    EXPECT_EQ(world.publish(world.connect(1), kService, "2.2.2.2"), "");
}

TEST_F(PersistentInstancesTest, AServiceIsOneKind) {
    world.publish(world.connect(1), kService, "2.2.2.2");
    EXPECT_EQ(world.keep(kService, "1.1.1.1"), kEphemeralService);
    EXPECT_EQ(world.keep(kOther, "1.1.1.1"), "");
    ServiceMetadata ephemeral;
    ephemeral.ephemeral = true;
    const ServiceKey made{"public", "DEFAULT_GROUP", "s3"};
    EXPECT_EQ(world.create(made, ephemeral), "");
    EXPECT_NE(world.keep(made, "1.1.1.1"), "");
}

TEST_F(PersistentInstancesTest, APersistentServiceTakesNoEphemeralInstance) {
    world.keep(kService, "1.1.1.1");
    EXPECT_EQ(world.publish(world.connect(1), kService, "2.2.2.2"), kPersistentService);
}

// While it is on its way to the disk, too.
TEST_F(PersistentInstancesTest, TheServiceIsPersistentFromTheBeginning) {
    store.manual = true;
    world.keep(kService, "1.1.1.1");
    EXPECT_EQ(world.publish(world.connect(1), kService, "2.2.2.2"), kPersistentService);
    world.keep(kService, "1.1.1.2");  // a second one is no conflict
    store.flush();
    world.executors.run();
    EXPECT_EQ(world.ips(kService), (std::vector<std::string>{"1.1.1.1", "1.1.1.2"}));
}

// §7.2: it flips when all have left and the empty service has gone.
TEST_F(PersistentInstancesTest, TheKindChangesOnlyWhenTheServiceHasGone) {
    world.keep(kService, "1.1.1.1");
    EXPECT_EQ(world.remove(kService),
              "Service DEFAULT_GROUP@@s1 is not empty, can't be delete. Please unregister "
              "instance first");
    world.drop(kService, "1.1.1.1");
    EXPECT_EQ(world.ips(kService), std::vector<std::string>{});
    EXPECT_EQ(world.publish(world.connect(1), kService, "2.2.2.2"), kPersistentService);
    EXPECT_EQ(world.remove(kService), "");
    EXPECT_EQ(world.publish(world.connect(2), kService, "2.2.2.2"), "");
    EXPECT_TRUE(world.registry.find(kService)->is_ephemeral());
}

TEST_F(PersistentInstancesTest, ItsClientLivesAsLongAsItPublishes) {
    world.keep(kService, "1.1.1.1");
    world.keep(kOther, "1.1.1.1");
    world.drop(kService, "1.1.1.1");
    EXPECT_NE(world.registry.find_client("1.1.1.1:80#false"), nullptr);
    EXPECT_EQ(world.ips(kOther), std::vector<std::string>{"1.1.1.1"});
    world.drop(kOther, "1.1.1.1");
    EXPECT_EQ(world.registry.find_client("1.1.1.1:80#false"), nullptr);
    EXPECT_EQ(world.drop(kOther, "1.1.1.1"), "");  // what is not there is no error
    EXPECT_EQ(world.keep(kOther, "1.1.1.1"), "");
    EXPECT_EQ(world.ips(kOther), std::vector<std::string>{"1.1.1.1"});
}

TEST_F(PersistentInstancesTest, SilenceDoesNotRemoveIt) {
    world.keep(kService, "1.1.1.1");
    for (int i = 0; i < 100; ++i) {
        world.executors.advance(5s);
        world.registry.sweep(10s);
        world.catalogue.sweep();
        world.registry.drop_unused();
    }
    EXPECT_EQ(world.ips(kService), std::vector<std::string>{"1.1.1.1"});
}

TEST_F(PersistentInstancesTest, ARegistrationReplacesAllOfIt) {
    world.keep(kService, "1.1.1.1");
    world.set_health(kService, "1.1.1.1", false);
    EXPECT_FALSE(world.shown(kService, "1.1.1.1")->instance().healthy);
    Instance again = make_instance("1.1.1.1", 80, "c1");
    again.ephemeral = false;
    again.weight = 3.0;
    EXPECT_EQ(world.keep(kService, again), "");
    const HostPtr shown = world.shown(kService, "1.1.1.1");
    EXPECT_EQ(shown->instance().cluster, "c1");
    EXPECT_EQ(shown->instance().weight, 3.0);
    EXPECT_TRUE(shown->instance().healthy);
    EXPECT_FALSE(store.data.contains(health_key(at("1.1.1.1"))));
    EXPECT_EQ(world.ips(kService).size(), 1u);
}

TEST_F(PersistentInstancesTest, HealthOfItsClusterOnlyAndNothingTwice) {
    world.keep(kService, "1.1.1.1");
    EXPECT_EQ(world.set_health(kService, "9.9.9.9", false), "");
    const spi::Revision before = store.revision;
    EXPECT_EQ(world.set_health(kService, "1.1.1.1", true), "");
    EXPECT_EQ(store.revision, before);
    world.persistent.writer().set_health(kService, "1.1.1.1", 80, "c1", false, [](const auto&) {});
    world.executors.run();
    EXPECT_TRUE(world.shown(kService, "1.1.1.1")->instance().healthy);
    world.set_health(kService, "1.1.1.1", false);
    EXPECT_EQ(store.revision, before + 1);
    EXPECT_FALSE(world.shown(kService, "1.1.1.1")->instance().healthy);
}

TEST_F(PersistentInstancesTest, OverridesHoldForIt) {
    world.keep(kService, "1.1.1.1");
    world.override_instance(kService, "1.1.1.1", [](InstanceOverride& override) {
        override.weight = 7.0;
        override.data = {{"k", "v"}};
    });
    world.set_health(kService, "1.1.1.1", false);
    const HostPtr shown = world.shown(kService, "1.1.1.1");
    EXPECT_EQ(shown->instance().weight, 7.0);
    EXPECT_EQ(shown->instance().metadata, (Metadata{{"k", "v"}}));
    EXPECT_FALSE(shown->instance().healthy);
    EXPECT_FALSE(shown->instance().ephemeral);
}

TEST_F(PersistentInstancesTest, IsThereAfterARestartWithItsHealth) {
    world.keep(kService, "1.1.1.1");
    world.keep(kService, "1.1.1.2");
    world.set_health(kService, "1.1.1.2", false);
    World again(&store);
    ASSERT_TRUE(again.started);
    EXPECT_EQ(again.ips(kService), (std::vector<std::string>{"1.1.1.1", "1.1.1.2"}));
    EXPECT_TRUE(again.shown(kService, "1.1.1.1")->instance().healthy);
    EXPECT_FALSE(again.shown(kService, "1.1.1.2")->instance().healthy);
    EXPECT_FALSE(again.registry.find(kService)->is_ephemeral());
    EXPECT_EQ(again.publish(again.connect(1), kService, "2.2.2.2"), kPersistentService);
}

// Two nodes over one store: what one writes shows on the other in the same way.
TEST_F(PersistentInstancesTest, AWriteOnAnotherNodeShowsHere) {
    World other(&store);
    world.subscribe(world.connect(1), kService);
    world.executors.run();
    while (!world.connections.pushes.empty()) {
        world.connections.ack();
    }
    world.executors.advance(5s);
    other.keep(kService, "1.1.1.1");
    world.executors.advance(1s);
    EXPECT_EQ(world.ips(kService), std::vector<std::string>{"1.1.1.1"});
    ASSERT_EQ(world.connections.pushes.size(), 1u);
    EXPECT_NE(world.connections.ack().members.find(R"("ip":"1.1.1.1")"), std::string::npos);
    other.set_health(kService, "1.1.1.1", false);
    world.executors.advance(1s);
    ASSERT_EQ(world.connections.pushes.size(), 1u);
    EXPECT_NE(world.connections.ack().members.find(R"("healthy":false)"), std::string::npos);
    other.drop(kService, "1.1.1.1");
    world.executors.advance(1s);
    ASSERT_EQ(world.connections.pushes.size(), 1u);
    EXPECT_NE(world.connections.ack().members.find(R"("hosts":[])"), std::string::npos);
}

// The other node's service had gone there, here it is still known as an ephemeral one.
TEST_F(PersistentInstancesTest, WhatIsStoredDecidesTheKindOfAnEmptyService) {
    World other(&store);
    const ClientPtr client = world.connect(1);
    world.publish(client, kService, "2.2.2.2");
    world.withdraw(client, kService, "2.2.2.2");
    other.keep(kService, "1.1.1.1");
    world.executors.run();
    EXPECT_FALSE(world.registry.find(kService)->is_ephemeral());
    EXPECT_EQ(world.publish(client, kService, "2.2.2.2"), kPersistentService);
}

TEST_F(PersistentInstancesTest, WhatIsDamagedIsLeftOutAndTheRestIsServed) {
    world.keep(kService, "1.1.1.1");
    world.keep(kService, "1.1.1.2");
    world.set_health(kService, "1.1.1.2", false);
    store.data[instance_key(at("1.1.1.1"))].first = "nonsense";
    store.data[health_key(at("1.1.1.2"))].first = "";
    store.data[std::string(kStoredInstances) + "no address"].first = "nonsense";
    World again(&store);
    ASSERT_TRUE(again.started);
    EXPECT_EQ(again.ips(kService), std::vector<std::string>{"1.1.1.2"});
    EXPECT_TRUE(again.shown(kService, "1.1.1.2")->instance().healthy);
    // It can be written anew.
    EXPECT_EQ(again.keep(kService, "1.1.1.1"), "");
    EXPECT_EQ(again.ips(kService).size(), 2u);
}

// Nor does a view of before the restart bring back what was deregistered.
TEST_F(PersistentInstancesTest, IsNoPartOfLastViews) {
    MemoryKvStore kv;
    testing::MemoryStore own;
    {
        World first(&own, &kv);
        first.keep(kService, "1.1.1.1");
        first.executors.advance(20s);
        EXPECT_EQ(kv.values.count("naming/view/public"), 0u);
        first.drop(kService, "1.1.1.1");
    }
    World again(&own, &kv);
    EXPECT_EQ(again.ips(kService), std::vector<std::string>{});
    EXPECT_FALSE(again.registry.find(kService) != nullptr && again.registry.find(kService)->is_held());
}

TEST_F(PersistentInstancesTest, WhatCantBeAKeyIsRefusedByName) {
    EXPECT_NE(world.keep({"public", "DEFAULT_GROUP", std::string("a\0b", 3)}, "1.1.1.1").find("zero byte"),
              std::string::npos);
    EXPECT_NE(world.keep(kService, "").find("blank"), std::string::npos);
    EXPECT_NE(world.keep({"public", "DEFAULT_GROUP", std::string(480, 'x')}, "1.1.1.1").find("the limit is 480"),
              std::string::npos);
}

TEST(PersistentInstances, WithoutAStoreTheyAreRefusedInWords) {
    World world;
    EXPECT_EQ(world.keep(kService, "1.1.1.1"),
              "Persistent instances are kept in a store, and this server runs without one; service DEFAULT_GROUP@@s1 "
              "can only have ephemeral ones.");
    EXPECT_EQ(world.publish(world.connect(1), kService, "2.2.2.2"), "");
}

// Somebody writes the same instance between our look and our commit: we look again.
TEST_F(PersistentInstancesTest, ChangesThatMeetLookAgain) {
    world.keep(kService, "1.1.1.1");
    store.manual = true;
    const World::Said registered = world.keep(kService, "1.1.1.1");
    const World::Said dropped = world.drop(kService, "1.1.1.1");
    EXPECT_EQ(registered, "not answered");
    EXPECT_EQ(dropped, "not answered");
    store.manual = false;
    store.flush();  // the first holds, the second conflicts and looks again
    world.executors.run();
    EXPECT_EQ(world.ips(kService), std::vector<std::string>{});
    EXPECT_FALSE(store.data.contains(instance_key(at("1.1.1.1"))));
}

}  // namespace
}  // namespace pharos::naming
