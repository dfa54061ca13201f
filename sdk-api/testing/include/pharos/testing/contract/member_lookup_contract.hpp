#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <vector>

#include <pharos/spi/cluster.hpp>

namespace pharos::testing {

/// A lookup in a world where there are members to be found.
class MemberLookupSubject {
public:
    virtual ~MemberLookupSubject() = default;
    virtual spi::MemberLookup& lookup() = 0;
    /// Has it look once more, as if its time had come; returns when that has ended.
    virtual void let_it_look() = 0;
};

/// What every spi::MemberLookup promises. Instantiate it with functions that make a subject:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, MemberLookupContract, ::testing::Values(&make_mine));
class MemberLookupContract : public ::testing::TestWithParam<std::unique_ptr<MemberLookupSubject> (*)()> {
public:
    using Subject = MemberLookupSubject;
};

TEST_P(MemberLookupContract, TellsACompleteListWithoutDoubles) {
    const auto subject = GetParam()();
    std::vector<std::vector<spi::MemberAddress>> told;
    ASSERT_TRUE(
        subject->lookup().start([&](std::vector<spi::MemberAddress> members) { told.push_back(std::move(members)); }));
    subject->let_it_look();
    ASSERT_FALSE(told.empty());
    for (const std::vector<spi::MemberAddress>& members : told) {
        EXPECT_EQ(members, told.front()) << "each list is the whole of it";
        for (std::size_t i = 0; i < members.size(); ++i) {
            EXPECT_NE(members[i].host, "");
            EXPECT_NE(members[i].port, 0);
            for (std::size_t j = 0; j < i; ++j) {
                EXPECT_NE(members[i], members[j]);
            }
        }
    }
    subject->lookup().stop();
}

TEST_P(MemberLookupContract, IsSilentAfterStop) {
    const auto subject = GetParam()();
    int told = 0;
    ASSERT_TRUE(subject->lookup().start([&](std::vector<spi::MemberAddress>) { ++told; }));
    subject->let_it_look();
    subject->lookup().stop();
    const int before = told;
    subject->let_it_look();
    subject->let_it_look();
    EXPECT_EQ(told, before);
}

TEST_P(MemberLookupContract, MayBeStoppedTwiceAndBeforeItFoundAnything) {
    const auto subject = GetParam()();
    ASSERT_TRUE(subject->lookup().start([](std::vector<spi::MemberAddress>) {}));
    subject->lookup().stop();
    subject->lookup().stop();
    subject->let_it_look();
}

}  // namespace pharos::testing
