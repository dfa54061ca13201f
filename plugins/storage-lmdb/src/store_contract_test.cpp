#include <pharos/testing/contract/store_contract.hpp>

#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

using pharos::testing::StoreContract;

class Lmdb final : public StoreContract::Subject {
public:
    Lmdb() { reopen(); }
    spi::Store& store() override { return opened_->store(); }
    bool reopen() override {
        opened_.reset();
        opened_ = std::make_unique<OpenStore>(folder_.store());
        EXPECT_TRUE(opened_->status) << opened_->status.message();
        return true;
    }

private:
    TempFolder folder_;
    std::unique_ptr<OpenStore> opened_;
};

INSTANTIATE_TEST_SUITE_P(Lmdb, StoreContract, ::testing::Values(+[] {
                             return std::unique_ptr<StoreContract::Subject>(std::make_unique<Lmdb>());
                         }));

}  // namespace
}  // namespace pharos::storage_lmdb::testing
