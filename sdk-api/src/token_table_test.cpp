// The stand-in keeps what every provider promises, so that what is tested with it holds with a real one.
#include <pharos/testing/auth.hpp>
#include <pharos/testing/contract/auth_provider_contract.hpp>

namespace pharos::testing {
namespace {

class Table final : public AuthProviderContract::Subject {
public:
    Table() {
        table_.add_user("7f3a9c", "alice");
        table_.allow("alice", spi::Action::kRead, "config", "mine");
    }
    const spi::AuthProvider& provider() override { return table_; }
    FakeIdentity::Fields identity() override { return {{"accessToken", "7f3a9c"}}; }

private:
    TokenTable table_;
};

INSTANTIATE_TEST_SUITE_P(TokenTable, AuthProviderContract, ::testing::Values(+[] {
                             return std::unique_ptr<AuthProviderContract::Subject>(std::make_unique<Table>());
                         }));

TEST(FakeIdentity, FindsNamesInAnySpelling) {
    const FakeIdentity identity({{"accessToken", "t"}, {"X-Empty", ""}});
    EXPECT_EQ(identity.get("ACCESSTOKEN"), "t");
    EXPECT_EQ(identity.get("accessToke"), "");
    EXPECT_EQ(identity.get("x-empty"), "");
}

}  // namespace
}  // namespace pharos::testing
