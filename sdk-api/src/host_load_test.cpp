#include <gtest/gtest.h>

#include <string_view>

#include <pharos/sdk/host_load.hpp>

namespace pharos::sdk {
namespace {

TEST(HostLoad, ReadsTheTimesOfTheWholeMachine) {
    const auto times = parse_cpu_times("cpu  10 20 30 1000 40 5 6 7 99 99\ncpu0 1 1 1 1 1 1 1 1 0 0\n");
    ASSERT_TRUE(times);
    EXPECT_EQ(times->busy, 10u + 20 + 30 + 5 + 6 + 7);
    EXPECT_EQ(times->total, times->busy + 1000 + 40);
    for (const std::string_view bad : {"", "cpu", "cpu ", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu a b c d e f g h"}) {
        EXPECT_FALSE(parse_cpu_times(bad)) << bad;
    }
    HostLoad load;
    EXPECT_GE(load.cpu(), 0.0);
    EXPECT_GE(HostLoad::load_average(), 0.0);
    EXPECT_GT(HostLoad::memory(), 0.0);
    EXPECT_LT(HostLoad::memory(), 1.0);
}

}  // namespace
}  // namespace pharos::sdk
