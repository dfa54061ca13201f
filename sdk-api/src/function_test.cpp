#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include <pharos/spi/function.hpp>

namespace pharos::spi {
namespace {

TEST(UniqueFunction, KeepsSmallAndLargeTargets) {
    std::array<long, 32> large{};
    large[31] = 7;
    UniqueFunction<long(long)> small([](long x) { return x + 1; });
    UniqueFunction<long(long)> big([large](long x) { return x + large[31]; });
    EXPECT_EQ(small(1), 2);
    EXPECT_EQ(big(1), 8);
}

TEST(UniqueFunction, MovesOwnershipAndDestroysOnce) {
    auto owned = std::make_shared<int>(1);
    std::weak_ptr<int> watch = owned;
    {
        UniqueFunction<int()> first([owned = std::move(owned)] { return *owned; });
        UniqueFunction<int()> second(std::move(first));
        EXPECT_FALSE(first);
        EXPECT_EQ(second(), 1);
        first = std::move(second);
        EXPECT_EQ(first(), 1);
        EXPECT_FALSE(watch.expired());
    }
    EXPECT_TRUE(watch.expired());
}

TEST(UniqueFunction, TakesMoveOnlyArguments) {
    UniqueFunction<int(std::unique_ptr<int>)> f([](std::unique_ptr<int> p) { return *p; });
    EXPECT_EQ(f(std::make_unique<int>(5)), 5);
}

TEST(UniqueFunction, ResetDestroysTheTarget) {
    auto owned = std::make_shared<int>(1);
    std::weak_ptr<int> watch = owned;
    Task task([owned = std::move(owned)] {});
    task.reset();
    EXPECT_TRUE(watch.expired());
    EXPECT_FALSE(task);
}

}  // namespace
}  // namespace pharos::spi
