// The stand-in keeps the promises of the real ones, so that what passes with it passes with them.
#include <pharos/testing/contract/store_contract.hpp>
#include <pharos/testing/memory_store.hpp>

namespace pharos::testing {
namespace {

class Memory final : public StoreContract::Subject {
public:
    spi::Store& store() override { return store_; }
    bool reopen() override { return false; }

private:
    MemoryStore store_;
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, ::testing::Values(+[] {
                             return std::unique_ptr<StoreContract::Subject>(std::make_unique<Memory>());
                         }));

}  // namespace
}  // namespace pharos::testing
