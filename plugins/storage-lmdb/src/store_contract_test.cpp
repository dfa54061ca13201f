#include <pharos/testing/contract/kv_store_contract.hpp>
#include <pharos/testing/contract/store_contract.hpp>
#include <pharos/testing/contract/store_tools_contract.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store_tools.hpp"
#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

using pharos::testing::KvStoreContract;
using pharos::testing::StoreContract;
using pharos::testing::StoreToolsContract;

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

class StoreTools final : public StoreToolsContract::Subject {
public:
    spi::StoreTools& tools() override { return tools_; }
    std::string folder() override { return folder_.root(); }
    void put(const std::string& data_dir, const std::string& key, const std::string& value) override {
        OpenStore open(data_dir + "/store");
        EXPECT_TRUE(open.status) << open.status.message();
        EXPECT_TRUE(commit_now(open.store(), testing::put(key, value)));
    }
    std::string get(const std::string& data_dir, const std::string& key) override {
        OpenStore open(data_dir + "/store");
        const auto value = open.store().snapshot()->get(key);
        return value ? std::string(value->value) : "(absent)";
    }
    void while_served(const std::string& data_dir, const std::function<void()>& in_it) override {
        const int lock = ::open((data_dir + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        EXPECT_EQ(::flock(lock, LOCK_EX), 0);
        in_it();
        ::close(lock);
    }

private:
    TempFolder folder_;
    Environment none_{{.directory = "/nowhere"}};
    LmdbStoreTools tools_{none_};
};

INSTANTIATE_TEST_SUITE_P(Lmdb, StoreContract, ::testing::Values(+[] {
                             return std::unique_ptr<StoreContract::Subject>(std::make_unique<Store>());
                         }));
INSTANTIATE_TEST_SUITE_P(Lmdb, KvStoreContract, ::testing::Values(+[] {
                             return std::unique_ptr<KvStoreContract::Subject>(std::make_unique<KvStore>());
                         }));
INSTANTIATE_TEST_SUITE_P(Lmdb, StoreToolsContract, ::testing::Values(+[] {
                             return std::unique_ptr<StoreToolsContract::Subject>(std::make_unique<StoreTools>());
                         }));

}  // namespace
}  // namespace pharos::storage_lmdb::testing
