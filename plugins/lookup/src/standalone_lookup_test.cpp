#include "standalone_lookup.hpp"

#include <pharos/testing/contract/member_lookup_contract.hpp>

namespace pharos::lookup {
namespace {

using testing::MemberLookupContract;

class Subject final : public MemberLookupContract::Subject {
public:
    spi::MemberLookup& lookup() override { return lookup_; }
    void let_it_look() override {}

private:
    StandaloneLookup lookup_;
};

INSTANTIATE_TEST_SUITE_P(Standalone, MemberLookupContract, ::testing::Values(+[] {
                             return std::unique_ptr<MemberLookupContract::Subject>(std::make_unique<Subject>());
                         }));

TEST(StandaloneLookup, TellsThatThisNodeIsAlone) {
    StandaloneLookup lookup;
    std::size_t members = 99;
    ASSERT_TRUE(lookup.start([&](std::vector<spi::MemberAddress> found) { members = found.size(); }));
    EXPECT_EQ(members, 0u);
}

}  // namespace
}  // namespace pharos::lookup
