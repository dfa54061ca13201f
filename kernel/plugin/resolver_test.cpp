#include <gtest/gtest.h>

#include "plugin/resolver.hpp"

namespace pharos::plugin {
namespace {

spi::Result<std::vector<std::size_t>> order_of(std::vector<Dependencies> plugins) { return start_order(plugins); }

TEST(Resolver, ProvidersStartFirstAndOthersKeepTheirOrder) {
    const auto order = order_of(
        {{"naming", {}, {"KvStore/1?"}}, {"config", {}, {"Store/1"}}, {"storage", {"KvStore/1", "Store/1"}, {}}});
    ASSERT_TRUE(order);
    EXPECT_EQ(order.value(), (std::vector<std::size_t>{2, 0, 1}));
}

TEST(Resolver, AnOptionalNeedMayBeMissing) { EXPECT_TRUE(order_of({{"naming", {}, {"KvStore/1?"}}})); }

TEST(Resolver, AMissingInterfaceNamesWhoAsksForWhat) {
    EXPECT_EQ(order_of({{"config", {}, {"pharos.Store/1"}}}).error().message(),
              "plugin 'config' requires pharos.Store/1, which no enabled plugin provides");
}

TEST(Resolver, ACycleIsShownWhole) {
    EXPECT_EQ(
        order_of({{"z", {}, {"A"}}, {"a", {"A"}, {"B"}}, {"b", {"B"}, {"C"}}, {"c", {"C"}, {"A"}}}).error().message(),
        "plugins require each other in a circle: 'a' → 'b' → 'c' → 'a'");
}

TEST(Resolver, NamesAreUnique) {
    EXPECT_EQ(order_of({{"a", {}, {}}, {"a", {}, {}}}).error().message(), "two plugins are named 'a'");
}

TEST(Resolver, OptionalOnesThatLackSomethingAreLeftOutWithThoseBehindThem) {
    std::vector<Dependencies> plugins{
        {"c", {}, {"B"}, true, {}}, {"b", {"B"}, {"Nowhere"}, true, {}}, {"d", {}, {"B?"}, false, {}}};
    const auto order = start_order(plugins);
    ASSERT_TRUE(order);
    EXPECT_EQ(order.value(), (std::vector<std::size_t>{2}));
    EXPECT_EQ(plugins[1].left_out, "requires Nowhere, which no enabled plugin provides");
    EXPECT_EQ(plugins[0].left_out,
              "requires B, which plugin 'b' would provide, but it is left out: requires Nowhere, which no enabled "
              "plugin provides");
}

TEST(Resolver, OfACircleTheOptionalOnesAreLeftOut) {
    std::vector<Dependencies> plugins{
        {"a", {"A"}, {"B"}, true, {}}, {"b", {"B"}, {"A"}, true, {}}, {"z", {}, {}, false, {}}};
    const auto order = start_order(plugins);
    ASSERT_TRUE(order);
    EXPECT_EQ(order.value(), (std::vector<std::size_t>{2}));
    EXPECT_EQ(plugins[0].left_out, "plugins require each other in a circle: 'a' → 'b' → 'a'");
    std::vector<Dependencies> half{{"a", {"A"}, {"B"}, false, {}}, {"b", {"B"}, {"A"}, true, {}}};
    EXPECT_EQ(
        start_order(half).error().message(),
        "plugin 'a' requires B, which plugin 'b' would provide, but it is left out: plugins require each other in "
        "a circle: 'a' → 'b' → 'a'");
}

TEST(Resolver, AnotherProviderWillDo) {
    std::vector<Dependencies> plugins{
        {"a", {"A"}, {}, true, "refused"}, {"b", {"A"}, {}, false, {}}, {"c", {}, {"A"}, false, {}}};
    EXPECT_EQ(start_order(plugins).value(), (std::vector<std::size_t>{1, 2}));
}

}  // namespace
}  // namespace pharos::plugin
