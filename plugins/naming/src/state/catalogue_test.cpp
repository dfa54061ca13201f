#include "state/catalogue.hpp"

#include <gtest/gtest.h>

#include "testing.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};
constexpr const char* kExists = "specified service DEFAULT_GROUP@@s1 already exists!";
constexpr const char* kNotFound = "service DEFAULT_GROUP@@s1 not found!";
constexpr const char* kPersistent =
    "Current service DEFAULT_GROUP@@s1 is persistent service, can't register ephemeral instance.";

ServiceMetadata with_threshold(double threshold, bool ephemeral = false) {
    ServiceMetadata made;
    made.ephemeral = ephemeral;
    made.protect_threshold = threshold;
    return made;
}

class CatalogueTest : public ::testing::Test {
protected:
    testing::MemoryStore store;
    World world{&store};
};

TEST_F(CatalogueTest, WhatIsMadeIsThereAndCanBeMadeOnce) {
    EXPECT_EQ(world.catalogue.find(kService), nullptr);
    EXPECT_EQ(world.create(kService, with_threshold(0.5)), "");
    ASSERT_NE(world.catalogue.find(kService), nullptr);
    EXPECT_EQ(world.catalogue.find(kService)->protect_threshold, 0.5);
    EXPECT_EQ(world.catalogue.find(kService)->created_ms, world.executors.time.wall);
    EXPECT_EQ(world.registry.list("public", "DEFAULT_GROUP"), Strings{"s1"});
    EXPECT_EQ(world.create(kService), kExists);
}

TEST_F(CatalogueTest, AServiceThatSomebodyPublishesExistsAlready) {
    world.publish(world.connect(1), kService, "1.1.1.1");
    EXPECT_EQ(world.create(kService), kExists);
    EXPECT_EQ(world.catalogue.find(kService), nullptr);
}

TEST_F(CatalogueTest, UpdateChangesWhatItMayAndNothingElse) {
    EXPECT_EQ(world.update(kService, [](ServiceMetadata&) {}), kNotFound);
    world.create(kService, with_threshold(0.5));
    const std::int64_t created = world.catalogue.find(kService)->created_ms;
    world.executors.advance(1s);
    EXPECT_EQ(world.update(kService,
                           [](ServiceMetadata& metadata) {
                               metadata.protect_threshold = 0.3;
                               metadata.data = {{"a", "b"}};
                               metadata.ephemeral = true;
                               metadata.created_ms = 1;
                           }),
              "");
    const ServiceMetadataPtr now = world.catalogue.find(kService);
    EXPECT_EQ(now->protect_threshold, 0.3);
    EXPECT_EQ(now->data, (Metadata{{"a", "b"}}));
    EXPECT_FALSE(now->ephemeral);
    EXPECT_EQ(now->created_ms, created);
    EXPECT_EQ(now->updated_ms, created + 1000);
}

TEST_F(CatalogueTest, UpdateGivesAPublishedServiceMetadataWithItsFlag) {
    const ClientPtr client = world.connect(1);
    world.publish(client, kService, "1.1.1.1");
    EXPECT_EQ(world.update(kService, [](ServiceMetadata& metadata) { metadata.protect_threshold = 0.8; }), "");
    EXPECT_TRUE(world.catalogue.find(kService)->ephemeral);
    EXPECT_EQ(world.publish(client, kService, "1.1.1.2"), "");
}

TEST_F(CatalogueTest, ClusterMetadata) {
    ClusterMetadata cluster;
    cluster.check_port = 8080;
    const auto set = [&] {
        return world.said([&](auto done) { world.catalogue.update_cluster(kService, "c1", cluster, std::move(done)); });
    };
    EXPECT_EQ(set(), "service not found groupName: DEFAULT_GROUP,serviceName: s1");
    world.create(kService, with_threshold(0.5));
    EXPECT_EQ(set(), "");
    EXPECT_EQ(world.catalogue.find(kService)->clusters.at("c1"), cluster);
    EXPECT_EQ(world.catalogue.find(kService)->protect_threshold, 0.5);
}

// `protocol/naming.md §7.3`, trap 47.
TEST_F(CatalogueTest, OnlyAnEmptyServiceCanBeRemoved) {
    EXPECT_EQ(world.remove(kService), kNotFound);
    const ClientPtr client = world.connect(1);
    Instance disabled = make_instance("1.1.1.1");
    disabled.enabled = false;
    world.publish(client, kService, {disabled});
    EXPECT_EQ(world.remove(kService),
              "Service DEFAULT_GROUP@@s1 is not empty, can't be delete. Please unregister instance first");
    world.withdraw(client, kService);
    EXPECT_EQ(world.remove(kService), "");
    EXPECT_TRUE(world.registry.list("public", "DEFAULT_GROUP").empty());
    EXPECT_EQ(world.remove(kService), kNotFound);
    world.create(kService);
    EXPECT_EQ(world.remove(kService), "");
    EXPECT_EQ(world.catalogue.find(kService), nullptr);
    EXPECT_TRUE(store.data.empty());
    EXPECT_EQ(world.create(kService), "");
}

// `protocol/naming.md §7.2`, trap 4.
TEST_F(CatalogueTest, APersistentServiceTakesNoEphemeralInstance) {
    world.create(kService);
    const ClientPtr client = world.connect(1);
    EXPECT_EQ(world.publish(client, kService, "1.1.1.1"), kPersistent);
    EXPECT_TRUE(world.ips(kService).empty());
    EXPECT_TRUE(Registry::ties(client).empty());
    // It must be removed to take the other kind.
    world.remove(kService);
    EXPECT_EQ(world.publish(client, kService, "1.1.1.1"), "");
}

TEST_F(CatalogueTest, AnEphemeralServiceThatAnApiMadeTakesInstances) {
    world.create(kService, with_threshold(0.5, true));
    EXPECT_EQ(world.publish(world.connect(1), kService, "1.1.1.1"), "");
}

TEST_F(CatalogueTest, WhoRegistersWhileAServiceIsBeingMadeGoesByItsFlag) {
    store.manual = true;
    std::string outcome = "not answered";
    world.catalogue.create(kService, {}, [&](const spi::Result<bool>& result) { outcome = result ? "" : "failed"; });
    world.executors.run();
    EXPECT_EQ(outcome, "not answered");
    EXPECT_EQ(world.catalogue.find(kService), nullptr);
    const ClientPtr client = world.connect(1);
    EXPECT_EQ(world.publish(client, kService, "1.1.1.1"), kPersistent);
    store.flush();
    world.executors.run();
    EXPECT_EQ(outcome, "");
    // One that fails on its way leaves nothing behind.
    const ServiceKey other{"public", "DEFAULT_GROUP", "s2"};
    world.catalogue.create(other, {}, [&](const spi::Result<bool>& result) { outcome = result ? "" : "failed"; });
    world.executors.run();
    EXPECT_NE(world.publish(client, other, "1.1.1.1"), "");
    store.failure = spi::Status(spi::Code::kTimeout, "slow disk");
    store.flush();
    world.executors.run();
    EXPECT_EQ(outcome, "failed");
    EXPECT_EQ(world.publish(client, other, "1.1.1.1"), "");
}

// A subscription of the same tie must not let a registration in that was refused.
TEST_F(CatalogueTest, ARefusedRegistrationStaysRefusedWhenItsClientSubscribes) {
    world.create(kService);
    const ClientPtr client = world.connect(1);
    world.subscribe(client, kService);
    EXPECT_EQ(world.publish(client, kService, "1.1.1.1"), kPersistent);
    world.subscribe(client, kService, "c1");
    EXPECT_TRUE(world.ips(kService).empty());
}

TEST_F(CatalogueTest, AChangeThatMeetsAnotherOneLooksAgain) {
    world.create(kService);
    store.manual = true;
    std::string said[2];
    for (int i = 0; i < 2; ++i) {
        world.catalogue.update(
            kService, [i](ServiceMetadata& metadata) { set_value(metadata.data, "k" + std::to_string(i), "v"); },
            [&said, i](const spi::Result<bool>& outcome) { said[i] = outcome ? "done" : "failed"; });
    }
    for (int i = 0; i < 3; ++i) {
        store.flush();
        world.executors.run();
    }
    EXPECT_EQ(said[0], "done");
    EXPECT_EQ(said[1], "done");
    EXPECT_EQ(world.catalogue.find(kService)->data.size(), 2u);
}

TEST_F(CatalogueTest, WhatTheDiskRefusesIsSaidAndChangesNothing) {
    world.create(kService, with_threshold(0.5));
    store.failure = spi::Status(spi::Code::kInternal, "the disk is full");
    EXPECT_EQ(world.update(kService, [](ServiceMetadata& metadata) { metadata.protect_threshold = 0.1; }),
              "the disk is full");
    EXPECT_EQ(world.catalogue.find(kService)->protect_threshold, 0.5);
    store.broken = true;
    EXPECT_EQ(world.update(kService, [](ServiceMetadata&) {}), "the store can't be read");
}

TEST_F(CatalogueTest, NamesThatAreTooLongForTheStoreAreRefusedByName) {
    const std::string said = world.create({"public", "DEFAULT_GROUP", std::string(500, 'n')});
    EXPECT_NE(said.find("the limit is 480"), std::string::npos) << said;
}

TEST(CatalogueWithoutStore, ChangesFailAndRegistrationsDoNot) {
    World world;
    EXPECT_EQ(world.create(kService), "there is no store to keep it in");
    EXPECT_EQ(world.publish(world.connect(1), kService, "1.1.1.1"), "");
}

TEST_F(CatalogueTest, WhatIsStoredIsThereAfterARestart) {
    world.create(kService, with_threshold(0.5));
    const ServiceKey other{"n1", "g1", "s2"};
    world.publish(world.connect(1), other, "1.1.1.1");
    world.override_instance(other, "1.1.1.1", [](InstanceOverride& override) { override.weight = 8.0; });
    World again(&store);
    ASSERT_TRUE(again.started);
    EXPECT_EQ(again.catalogue.find(kService)->protect_threshold, 0.5);
    EXPECT_EQ(again.publish(again.connect(1), kService, "1.1.1.1"), kPersistent);
    again.publish(again.connect(2), other, "1.1.1.1");
    EXPECT_EQ(again.registry.snapshot(other)->hosts().front()->instance().weight, 8.0);
}

TEST_F(CatalogueTest, ADamagedRecordStopsTheStartAndIsNamed) {
    store.data["naming/service/public" + std::string(1, '\0') + "g" + std::string(1, '\0') + "s"] = {"nonsense", 1};
    World again(&store);
    EXPECT_NE(again.started.message().find("naming/service/public|g|s"), std::string::npos) << again.started.message();
}

// A change of another node arrives through the watch alone.
TEST_F(CatalogueTest, ChangesOfOthersAreFollowed) {
    const std::string key =
        "naming/service/public" + std::string(1, '\0') + "DEFAULT_GROUP" + std::string(1, '\0') + "s1";
    spi::StoreCommit commit;
    commit.ops.push_back({key, encode(with_threshold(0.7))});
    store.commit(std::move(commit), [](const spi::Result<spi::Revision>&) {});
    world.executors.run();
    EXPECT_EQ(world.catalogue.find(kService)->protect_threshold, 0.7);
    EXPECT_TRUE(world.registry.find(kService)->exists());
    commit = {};
    commit.ops.push_back({key, std::nullopt});
    store.commit(std::move(commit), [](const spi::Result<spi::Revision>&) {});
    world.executors.run();
    EXPECT_FALSE(world.registry.find(kService)->exists());
}

TEST_F(CatalogueTest, MetadataOfAServiceIsReadAtOnceAndNotPushed) {
    const ClientPtr client = world.connect(1);
    Instance sick = make_instance("1.1.1.1");
    sick.healthy = false;
    world.publish(client, kService, {sick});
    world.subscribe(world.connect(2), kService);
    world.connections.ack();
    EXPECT_FALSE(world.registry.snapshot(kService)->select({}).reach_protection_threshold);
    world.update(kService, [](ServiceMetadata& metadata) { metadata.protect_threshold = 0.1; });
    EXPECT_TRUE(world.registry.snapshot(kService)->select({}).reach_protection_threshold);
    world.executors.advance(1s);
    EXPECT_TRUE(world.connections.pushes.empty());
}

// `protocol/naming.md §1.5`, traps 12 and 13: overrides win over what is registered, also later, and are pushed.
TEST_F(CatalogueTest, AnOverrideWinsOverWhatIsRegistered) {
    const ClientPtr client = world.connect(1);
    Instance heavy = make_instance("1.1.1.1");
    heavy.weight = 5.0;
    heavy.metadata = {{"a", "published"}};
    world.publish(client, kService, {heavy});
    world.subscribe(world.connect(2), kService);
    world.connections.ack();
    EXPECT_EQ(world.override_instance(kService, "1.1.1.1",
                                      [](InstanceOverride& override) { set_value(override.data, "b", "set"); }),
              "");
    const auto shown = [&] { return world.registry.snapshot(kService)->hosts().front()->instance(); };
    EXPECT_EQ(shown().weight, 1.0);  // a fresh one starts with 1
    EXPECT_EQ(shown().metadata, (Metadata{{"a", "published"}, {"b", "set"}}));
    ASSERT_EQ(world.connections.pushes.size(), 1u);
    EXPECT_NE(world.connections.ack().members.find(R"("b":"set")"), std::string::npos);
    heavy.metadata = {{"a", "again"}, {"b", "published"}};
    world.publish(client, kService, {heavy});
    EXPECT_EQ(shown().metadata, (Metadata{{"a", "again"}, {"b", "set"}}));
    EXPECT_EQ(world.catalogue.find_override(kService, "1.1.1.1", 80, "DEFAULT")->data, (Metadata{{"b", "set"}}));
    EXPECT_FALSE(world.catalogue.find_override(kService, "1.1.1.1", 80, "c1"));
}

TEST_F(CatalogueTest, ADisabledInstanceLeavesTheListsOfClientsOnly) {
    world.publish(world.connect(1), kService, "1.1.1.1");
    world.override_instance(kService, "1.1.1.1", [](InstanceOverride& override) { override.enabled = false; });
    const SnapshotPtr snapshot = world.registry.snapshot(kService);
    EXPECT_EQ(snapshot->hosts().size(), 1u);
    EXPECT_EQ(*snapshot->select({}).json, "");
    EXPECT_NE(snapshot->select({.enabled_only = false}).json->find(R"("enabled":false)"), std::string::npos);
}

TEST_F(CatalogueTest, MergedHostsAreEncodedOnce) {
    world.publish(world.connect(1), kService, "1.1.1.1");
    world.override_instance(kService, "1.1.1.1", [](InstanceOverride& override) { override.weight = 2.0; });
    const HostPtr before = world.registry.snapshot(kService)->hosts().front();
    world.publish(world.connect(2), kService, "1.1.1.2");
    EXPECT_EQ(world.registry.snapshot(kService)->hosts().front(), before);
}

TEST_F(CatalogueTest, AnOverrideNeedsAServiceButNoInstance) {
    EXPECT_EQ(world.override_instance(kService, "1.1.1.1", [](InstanceOverride&) {}),
              "service not found, namespace: public, service: Service{namespace='public', group='DEFAULT_GROUP', "
              "name='s1', ephemeral=true, revision=0}");
    world.publish(world.connect(1), kService, "1.1.1.1");
    EXPECT_EQ(world.override_instance(kService, "9.9.9.9", [](InstanceOverride&) {}), "");
}

// `protocol/naming.md §6.6`, trap 46.
TEST_F(CatalogueTest, EmptyServicesGoWithTheirMetadata) {
    const auto sweep = [&](spi::Duration after) {
        world.executors.advance(after);
        world.catalogue.sweep();
        world.executors.run();
    };
    world.create(kService, with_threshold(0.5));
    const ServiceKey other{"public", "DEFAULT_GROUP", "s2"};
    const ClientPtr client = world.connect(1);
    world.publish(client, other, "1.1.1.1");
    world.withdraw(client, other);
    sweep(59s);
    EXPECT_EQ(world.registry.list("public", "DEFAULT_GROUP"), (Strings{"s1", "s2"}));
    world.publish(client, other, "1.1.1.1");  // back in time
    sweep(2s);
    EXPECT_EQ(world.registry.list("public", "DEFAULT_GROUP"), Strings{"s2"});
    EXPECT_EQ(world.catalogue.find(kService), nullptr);
    EXPECT_TRUE(store.data.empty());
    sweep(120s);
    EXPECT_EQ(world.registry.list("public", "DEFAULT_GROUP"), Strings{"s2"});
    world.withdraw(client, other);
    sweep(60s);
    EXPECT_TRUE(world.registry.list("public", "DEFAULT_GROUP").empty());
}

TEST_F(CatalogueTest, ReRegistrationInTimeKeepsMetadata) {
    const ClientPtr client = world.connect(1);
    world.publish(client, kService, "1.1.1.1");
    world.update(kService, [](ServiceMetadata& metadata) { metadata.protect_threshold = 0.5; });
    for (int i = 0; i < 5; ++i) {
        world.withdraw(client, kService);
        world.executors.advance(50s);
        world.catalogue.sweep();
        world.executors.run();
        world.publish(client, kService, "1.1.1.1");
    }
    EXPECT_EQ(world.catalogue.find(kService)->protect_threshold, 0.5);
}

TEST_F(CatalogueTest, ClocksBeginAnewAtAStart) {
    world.create(kService);
    world.executors.advance(59s);
    World again(&store);
    again.executors.advance(59s);
    again.catalogue.sweep();
    again.executors.run();
    EXPECT_NE(again.catalogue.find(kService), nullptr);
    again.executors.advance(1s);
    again.catalogue.sweep();
    again.executors.run();
    EXPECT_EQ(again.catalogue.find(kService), nullptr);
}

TEST_F(CatalogueTest, OverridesOutliveTheirInstanceForAWhile) {
    const ClientPtr keeper = world.connect(1);
    const ClientPtr client = world.connect(2);
    world.publish(keeper, kService, "1.1.1.9");
    world.publish(client, kService, "1.1.1.1");
    world.override_instance(kService, "1.1.1.1", [](InstanceOverride& override) { override.weight = 2.0; });
    const auto has = [&] { return world.catalogue.find_override(kService, "1.1.1.1", 80, "DEFAULT").has_value(); };
    const auto sweep_for = [&](int seconds) {
        for (int i = 0; i < seconds; i += 5) {
            world.catalogue.sweep();
            world.executors.advance(5s);
        }
        world.catalogue.sweep();
        world.executors.run();
    };
    sweep_for(120);
    EXPECT_TRUE(has());
    world.withdraw(client, kService);
    sweep_for(55);
    world.publish(client, kService, "1.1.1.1");
    sweep_for(10);
    world.withdraw(client, kService);
    sweep_for(55);
    EXPECT_TRUE(has());
    sweep_for(10);
    EXPECT_FALSE(has());
    EXPECT_TRUE(store.data.empty());
}

}  // namespace
}  // namespace pharos::naming
