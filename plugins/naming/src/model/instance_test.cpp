#include <gtest/gtest.h>

#include <optional>

#include "model/instance.hpp"
#include "model/snapshot.hpp"

namespace pharos::naming {
namespace {

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

Instance instance(std::string ip, std::string cluster = "DEFAULT") {
    Instance made;
    made.ip = std::move(ip);
    made.port = 80;
    made.cluster = std::move(cluster);
    return made;
}

// The example of `protocol/naming.md §1.2`, without metadata: then the generator is shown.
TEST(Host, JsonIsTheProtocolsExample) {
    EXPECT_EQ(Host(instance("1.1.1.1"), kService).json(),
              R"({"instanceId":"1.1.1.1#80#DEFAULT#DEFAULT_GROUP@@s1","ip":"1.1.1.1","port":80,"weight":1.0,)"
              R"("healthy":true,"enabled":true,"ephemeral":true,"clusterName":"DEFAULT",)"
              R"("serviceName":"DEFAULT_GROUP@@s1","metadata":{},"instanceHeartBeatInterval":5000,)"
              R"("instanceHeartBeatTimeOut":15000,"ipDeleteTimeout":30000,"instanceIdGenerator":"simple"})");
}

TEST(Host, PreservedMetadataSetsTimesAndGenerator) {
    Instance made = instance("1.1.1.1");
    made.metadata = {{"preserved.heart.beat.interval", "1000"},
                     {"preserved.heart.beat.timeout", "3000"},
                     {"preserved.ip.delete.timeout", "x"},
                     {"preserved.instance.id.generator", "snowflake"}};
    const std::string json = Host(made, kService).json();
    EXPECT_NE(json.find(R"("instanceHeartBeatInterval":1000,"instanceHeartBeatTimeOut":3000,"ipDeleteTimeout":30000)"),
              std::string::npos);
    EXPECT_NE(json.find(R"("instanceIdGenerator":"snowflake"})"), std::string::npos);
    made.metadata = {{"a", "b"}};
    EXPECT_EQ(Host(made, kService).json().find("instanceIdGenerator"), std::string::npos);
}

TEST(Instance, SemanticChecks) {
    Instance made = instance("1.1.1.1");
    EXPECT_FALSE(check_instance(made));
    made.metadata = {{"preserved.heart.beat.interval", "20000"}};
    EXPECT_EQ(check_instance(made),
              "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete timeout'.");
    made.metadata.clear();
    made.cluster = "a_b";
    EXPECT_EQ(check_instance(made), "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: a_b)");
}

ServiceSnapshot snapshot() {
    Instance disabled = instance("1.1.1.3");
    disabled.enabled = false;
    Instance sick = instance("1.1.1.4", "c2");
    sick.healthy = false;
    std::vector<HostPtr> hosts;
    for (const Instance& each : {instance("1.1.1.1"), instance("1.1.1.2", "c2"), disabled, sick}) {
        hosts.push_back(std::make_shared<const Host>(each, kService));
    }
    return {std::move(hosts), 7};
}

std::size_t count(const ServiceSnapshot& of, std::string_view clusters, bool healthy_only) {
    const std::shared_ptr<const std::string> text =
        of.select({.clusters = clusters, .healthy_only = healthy_only}).json;
    std::size_t found = 0;
    for (std::size_t at = text->find("\"ip\""); at != std::string::npos; at = text->find("\"ip\"", at + 1)) {
        ++found;
    }
    return found;
}

// `protocol/naming.md §1.6`: clusters without trimming, disabled ones never, unhealthy ones unless asked to leave out.
TEST(Snapshot, Selection) {
    const ServiceSnapshot all = snapshot();
    EXPECT_EQ(count(all, "", false), 3u);
    EXPECT_EQ(count(all, "", true), 2u);
    EXPECT_EQ(count(all, "c2", false), 2u);
    EXPECT_EQ(count(all, "c2", true), 1u);
    EXPECT_EQ(count(all, "DEFAULT,c2", false), 3u);
    EXPECT_EQ(count(all, "DEFAULT, c2", false), 1u);
    EXPECT_EQ(count(all, "nope", false), 0u);
}

TEST(Snapshot, TheTextOfAllHostsIsSharedUntilItIsUnused) {
    const ServiceSnapshot all = snapshot();
    const auto first = all.select({}).json;
    EXPECT_EQ(first, all.select({}).json);
    all.drop_unused_text();
    EXPECT_EQ(first, all.select({}).json);  // it was used since
    all.drop_unused_text();
    all.drop_unused_text();
    EXPECT_NE(first, all.select({}).json);
    EXPECT_EQ(*first, *all.select({}).json);
}

TEST(Snapshot, WithoutBudgetASmallTextIsSharedWhileSomebodyUsesIt) {
    const HostPtr host = std::make_shared<const Host>(instance("1.1.1.1"), kService);
    const auto budget = std::make_shared<TextBudget>(host->json().size() + 10);
    std::optional<ServiceSnapshot> first;
    first.emplace(std::vector<HostPtr>{host}, 1, nullptr, nullptr, budget);
    const std::string* const kept = first->select({}).json.get();
    EXPECT_EQ(first->select({}).json.get(), kept);
    const ServiceSnapshot second({host}, 1, nullptr, nullptr, budget);
    const auto used = second.select({}).json;
    EXPECT_EQ(second.select({}).json, used);
    EXPECT_EQ(used.use_count(), 1);  // the snapshot does not keep it
    first.reset();                   // gives back what it took
    const ServiceSnapshot third({host}, 1, nullptr, nullptr, budget);
    EXPECT_EQ(third.select({}).json.use_count(), 2);
}

TEST(Snapshot, InfoAroundTheHosts) {
    std::string text;
    append_info_head(text, "g1", "DEFAULT_GROUP", "a,b", 10000);
    append_info_tail(text, 1795402284190, false);
    EXPECT_EQ(text, R"({"name":"g1","groupName":"DEFAULT_GROUP","clusters":"a,b","cacheMillis":10000,"hosts":[],)"
                    R"("lastRefTime":1795402284190,"checksum":"","allIps":false,"allIPs":false,)"
                    R"("reachProtectionThreshold":false,"valid":true})");
}

}  // namespace
}  // namespace pharos::naming
