#include <pharos/testing/contract/kv_store_contract.hpp>
#include <pharos/testing/contract/store_contract.hpp>

#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

using pharos::testing::KvStoreContract;
using pharos::testing::StoreContract;

/// Both stores on a folder of their own.
class Folder {
public:
    Folder() { open(); }
    void open() {
        opened_.reset();
        opened_ = std::make_unique<OpenStore>(folder_.store());
        EXPECT_TRUE(opened_->status) << opened_->status.message();
    }
    [[nodiscard]] OpenStore& stores() { return *opened_; }

private:
    TempFolder folder_;
    std::unique_ptr<OpenStore> opened_;
};

class Store final : public StoreContract::Subject {
public:
    spi::Store& store() override { return folder_.stores().store(); }
    bool reopen() override {
        folder_.open();
        return true;
    }

private:
    Folder folder_;
};

class KvStore final : public KvStoreContract::Subject {
public:
    spi::KvStore& store() override { return folder_.stores().kv(); }
    void reopen() override { folder_.open(); }

private:
    Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Lmdb, StoreContract, ::testing::Values(+[] {
                             return std::unique_ptr<StoreContract::Subject>(std::make_unique<Store>());
                         }));
INSTANTIATE_TEST_SUITE_P(Lmdb, KvStoreContract, ::testing::Values(+[] {
                             return std::unique_ptr<KvStoreContract::Subject>(std::make_unique<KvStore>());
                         }));

}  // namespace
}  // namespace pharos::storage_lmdb::testing
