#include <gtest/gtest.h>

#include <unistd.h>

#include "app/data_dir.hpp"

namespace pharos::app {
namespace {

TEST(DataDir, IsMadeAndLockedAgainstASecondOwner) {
    const std::filesystem::path path = testing::TempDir() + "/pharos-data-" + std::to_string(getpid()) + "/a/b";
    {
        auto first = DataDir::open(path);
        ASSERT_TRUE(first) << first.error().message();
        auto second = DataDir::open(path);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().message(), "data directory " + path.string() +
                                                " is in use by another server (process " + std::to_string(getpid()) +
                                                "); choose another with --data");
    }
    EXPECT_TRUE(DataDir::open(path));
    std::filesystem::remove_all(path.parent_path().parent_path());
}

TEST(DataDir, SaysWhatIsWrongWithThePath) {
    const auto opened = DataDir::open("/proc/nowhere");
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message().find("data directory /proc/nowhere can't be made"), std::string::npos);
}

}  // namespace
}  // namespace pharos::app
