#include <gtest/gtest.h>

#include "plugin/resolver.hpp"

namespace pharos::plugin {
namespace {

TEST(Resolver, ProvidersStartFirstAndOthersKeepTheirOrder) {
    const auto order = start_order(
        {{"naming", {}, {"KvStore/1?"}}, {"config", {}, {"Store/1"}}, {"storage", {"KvStore/1", "Store/1"}, {}}});
    ASSERT_TRUE(order);
    EXPECT_EQ(order.value(), (std::vector<std::size_t>{2, 0, 1}));
}

TEST(Resolver, AnOptionalNeedMayBeMissing) { EXPECT_TRUE(start_order({{"naming", {}, {"KvStore/1?"}}})); }

TEST(Resolver, AMissingInterfaceNamesWhoAsksForWhat) {
    EXPECT_EQ(start_order({{"config", {}, {"pharos.Store/1"}}}).error().message(),
              "plugin 'config' requires pharos.Store/1, which no enabled plugin provides");
}

TEST(Resolver, ACycleIsShownWhole) {
    EXPECT_EQ(start_order({{"z", {}, {"A"}}, {"a", {"A"}, {"B"}}, {"b", {"B"}, {"C"}}, {"c", {"C"}, {"A"}}})
                  .error()
                  .message(),
              "plugins require each other in a circle: 'a' → 'b' → 'c' → 'a'");
}

TEST(Resolver, NamesAreUnique) {
    EXPECT_EQ(start_order({{"a", {}, {}}, {"a", {}, {}}}).error().message(), "two plugins are named 'a'");
}

}  // namespace
}  // namespace pharos::plugin
