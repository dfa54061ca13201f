#include <gtest/gtest.h>

#include "model/snapshot.hpp"

namespace pharos::naming {
namespace {

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

/// `healthy` healthy and `sick` unhealthy hosts of the cluster.
std::vector<HostPtr> hosts(int healthy, int sick, const std::string& cluster = "DEFAULT", bool enabled = true) {
    std::vector<HostPtr> made;
    for (int i = 0; i < healthy + sick; ++i) {
        Instance instance;
        instance.ip = "1.1.1." + std::to_string(i);
        instance.port = 80;
        instance.healthy = i < healthy;
        instance.cluster = cluster;
        instance.enabled = enabled;
        made.push_back(std::make_shared<const Host>(std::move(instance), kService));
    }
    return made;
}

ServiceSnapshot snapshot(std::vector<HostPtr> of, std::optional<double> threshold) {
    ServiceMetadataPtr metadata;
    if (threshold) {
        ServiceMetadata made;
        made.protect_threshold = *threshold;
        metadata = std::make_shared<const ServiceMetadata>(made);
    }
    return {std::move(of), 7, std::move(metadata)};
}

int count(const SelectedHosts& selected, std::string_view text) {
    int found = 0;
    for (std::size_t at = selected.json->find(text); at != std::string::npos; at = selected.json->find(text, at + 1)) {
        ++found;
    }
    return found;
}

// `protocol/naming.md §1.6`, trap 17: ≤, and then all are shown as healthy.
TEST(Protection, IsReachedAtTheThresholdAndNotAboveIt) {
    const ServiceSnapshot at = snapshot(hosts(1, 1), 0.5);
    EXPECT_TRUE(at.select({}).reach_protection_threshold);
    EXPECT_EQ(count(at.select({}), R"("healthy":true)"), 2);
    EXPECT_EQ(count(at.select({}), R"("healthy":false)"), 0);
    EXPECT_FALSE(at.hosts().back()->instance().healthy);  // copies
    const ServiceSnapshot above = snapshot(hosts(2, 1), 0.5);
    EXPECT_FALSE(above.select({}).reach_protection_threshold);
    EXPECT_EQ(count(above.select({}), R"("healthy":false)"), 1);
}

TEST(Protection, NeedsMetadata) {
    EXPECT_FALSE(snapshot(hosts(0, 2), std::nullopt).select({}).reach_protection_threshold);
    EXPECT_TRUE(snapshot(hosts(0, 2), 0.0).select({}).reach_protection_threshold);  // 0 ≤ 0
    EXPECT_TRUE(snapshot(hosts(0, 2), -1.0).select({}).reach_protection_threshold);
    EXPECT_FALSE(snapshot(hosts(1, 1), 0.0).select({}).reach_protection_threshold);
    EXPECT_FALSE(snapshot({}, 0.5).select({}).reach_protection_threshold);  // 0 of 0
}

// Trap 18: healthyOnly drops the sick ones first, and so nothing can bring them back.
TEST(Protection, HealthyOnlyIsNotResurrected) {
    const ServiceSnapshot some = snapshot(hosts(1, 9), 0.5);
    EXPECT_EQ(count(some.select({.healthy_only = true}), "\"ip\""), 1);
    EXPECT_FALSE(some.select({.healthy_only = true}).reach_protection_threshold);
    EXPECT_EQ(count(some.select({}), "\"ip\""), 10);
    EXPECT_TRUE(snapshot(hosts(2, 0), 1.0).select({.healthy_only = true}).reach_protection_threshold);
}

TEST(Protection, CountsWhatTheClustersAndEnabledLeave) {
    std::vector<HostPtr> both = hosts(2, 0, "c1");
    const std::vector<HostPtr> sick = hosts(0, 2, "c2");
    const std::vector<HostPtr> disabled = hosts(9, 0, "c2", false);
    both.insert(both.end(), sick.begin(), sick.end());
    both.insert(both.end(), disabled.begin(), disabled.end());
    const ServiceSnapshot all = snapshot(std::move(both), 0.4);
    EXPECT_FALSE(all.select({}).reach_protection_threshold);
    EXPECT_TRUE(all.select({.clusters = "c2"}).reach_protection_threshold);
    EXPECT_EQ(count(all.select({.clusters = "c2"}), "\"ip\""), 2);
    EXPECT_EQ(count(all.select({.clusters = "c2", .enabled_only = false}), "\"ip\""), 11);
    EXPECT_FALSE(all.select({.clusters = "c2", .enabled_only = false}).reach_protection_threshold);
}

// Without a CMDB a label selector lets all pass (`protocol/naming.md §1.7`).
TEST(Selection, LabelSelectorsPassThrough) {
    ServiceMetadata made;
    made.selector = {Selector::Type::kLabel, "CONSUMER.label.A=PROVIDER.label.A", {"A"}};
    const ServiceSnapshot all(hosts(3, 0), 7, std::make_shared<const ServiceMetadata>(made));
    EXPECT_EQ(count(all.select({}), "\"ip\""), 3);
}

TEST(Selection, TheProtectedTextIsShared) {
    const ServiceSnapshot all = snapshot(hosts(0, 2), 0.5);
    EXPECT_EQ(all.select({}).json, all.select({}).json);
}

TEST(Selection, AMetadataValueThatLooksLikeAMemberIsLeftAlone) {
    Instance instance;
    instance.ip = "1.1.1.1";
    instance.healthy = false;
    instance.metadata = {{"x", R"(,"healthy":false)"}};
    instance.id = R"(,"healthy":false)";
    const auto host = std::make_shared<const Host>(instance, kService);
    std::string text;
    host->append_healthy_json(text);
    instance.healthy = true;
    EXPECT_EQ(text, Host(instance, kService).json());
}

}  // namespace
}  // namespace pharos::naming
