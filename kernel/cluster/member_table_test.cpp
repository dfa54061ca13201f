#include <gtest/gtest.h>

#include "cluster/member_table.hpp"

namespace pharos::cluster {
namespace {

TEST(MemberTable, AlwaysHoldsTheNodeItselfOnce) {
    MemberTable table({"10.0.0.2", 8848});
    ASSERT_EQ(table.list()->size(), 1u);
    EXPECT_TRUE(table.list()->front().self);
    table.replace({{"10.0.0.3", 8848}, {"10.0.0.1", 8848}, {"10.0.0.3", 8848}, {"10.0.0.2", 8848}});
    ASSERT_EQ(table.list()->size(), 3u);
    EXPECT_EQ(table.list()->at(0).address, "10.0.0.1:8848");
    EXPECT_TRUE(table.list()->at(1).self);
    table.replace({});
    EXPECT_EQ(table.list()->size(), 1u);
}

}  // namespace
}  // namespace pharos::cluster
