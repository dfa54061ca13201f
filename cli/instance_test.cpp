#include <gtest/gtest.h>

#include "cli/instance_changes.hpp"
#include "cli/instance_options.hpp"

namespace pharos::cli {
namespace {

using namespace std::chrono_literals;

TEST(ParseAddress, TakesIpAndPort) {
    EXPECT_EQ(parse_address("10.0.0.1:8080").value(), std::pair(std::string("10.0.0.1"), std::string("8080")));
    EXPECT_EQ(parse_address("[fd00::1]:80").value(), std::pair(std::string("fd00::1"), std::string("80")));
    for (const char* wrong :
         {"10.0.0.1", "10.0.0.1:", ":80", "10.0.0.1:x", "10.0.0.1:65536", "10.0.0.1:-1", "fd00::1:80"}) {
        EXPECT_FALSE(parse_address(wrong)) << wrong;
    }
}

TEST(MetadataJson, IsAnObjectOfTexts) {
    EXPECT_EQ(metadata_json({"b=2", "a=x=y", "b=3", "e="}).value(), R"({"a":"x=y","b":"3","e":""})");
    EXPECT_FALSE(metadata_json({"novalue"}));
    EXPECT_FALSE(metadata_json({"=x"}));
}

// protocol/naming.md §4.1
TEST(LifetimeOf, IsTheDefaultOrWhatTheMetadataSays) {
    EXPECT_EQ(lifetime_of({}).unhealthy_after, 15s);
    EXPECT_EQ(lifetime_of({}).removed_after, 30s);
    const Lifetime lifetime = lifetime_of({"preserved.heart.beat.timeout=3000", "preserved.ip.delete.timeout=6500",
                                           "preserved.heart.beat.interval=soon"});
    EXPECT_EQ(lifetime.unhealthy_after, 3s);
    EXPECT_EQ(lifetime.removed_after, 6500ms);
    EXPECT_EQ(lifetime.beat_interval, 5s) << "what is no number is as if absent";
    EXPECT_EQ(in_words(lifetime.removed_after), "6500 ms");
    EXPECT_EQ(in_words(lifetime.unhealthy_after), "3 s");
}

Instance instance(const std::string& ip, const std::string& cluster = "DEFAULT") {
    return {.ip = ip, .port = 80, .cluster = cluster};
}

TEST(ChangesBetween, TellsWhatHappened) {
    Instance changed = instance("10.0.0.2");
    changed.healthy = false;
    changed.weight = 0.5;
    const auto changes =
        changes_between({instance("10.0.0.1"), instance("10.0.0.2"), instance("10.0.0.3")},
                        {instance("10.0.0.3"), changed, instance("10.0.0.4"), instance("10.0.0.3", "other")});
    ASSERT_EQ(changes.size(), 4u);
    EXPECT_EQ(changes[0].event + " " + changes[0].instance.address(), "removed 10.0.0.1:80");
    EXPECT_EQ(changes[1].event + " " + changes[1].instance.address(), "changed 10.0.0.2:80");
    EXPECT_EQ(changes[1].what, "unhealthy, weight 1 -> 0.5");
    EXPECT_EQ(changes[2].event + " " + changes[2].instance.cluster, "added other");
    EXPECT_EQ(changes[3].event + " " + changes[3].instance.address(), "added 10.0.0.4:80");
    EXPECT_EQ(changes[3].what, "healthy weight 1");
}

TEST(ChangesBetween, SeesMetadata) {
    Instance changed = instance("10.0.0.1");
    changed.metadata = {{"version", "2"}};
    const auto changes = changes_between({instance("10.0.0.1")}, {changed});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].what, "metadata version=2");
    EXPECT_TRUE(changes_between({changed}, {changed}).empty());
}

TEST(Instance, AddressOfIpv6HasBrackets) { EXPECT_EQ(instance("fd00::1").address(), "[fd00::1]:80"); }

}  // namespace
}  // namespace pharos::cli
