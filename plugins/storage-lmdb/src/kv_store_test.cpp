#include <gmock/gmock.h>

#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

using spi::Code;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string read(OpenStore& open, std::string_view key) {
    auto snapshot = open.kv().snapshot();
    auto value = snapshot->get(key);
    return value ? std::string(*value) : "(absent)";
}

TEST(KvStore, KeepsItsKeysApartFromTheStore) {
    TempFolder folder;
    OpenStore open(folder.store());
    EXPECT_TRUE(write_now(open.kv(), one("k", "kv")));
    EXPECT_TRUE(commit_now(open.store(), put("k", "store")));
    EXPECT_EQ(read(open, "k"), "kv");
    EXPECT_EQ(open.store().snapshot()->get("k")->value, "store");
}

TEST(KvStore, LazyWritesWaitForTheTimer) {
    TempFolder folder;
    OpenStore open(folder.store());
    std::promise<void> done;
    open.kv().write(one("a", "1"), spi::Durability::kLazy, [&](spi::Result<bool> result) {
        EXPECT_TRUE(result);
        done.set_value();
    });
    auto future = done.get_future();
    EXPECT_EQ(future.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
    EXPECT_EQ(open.executors.advance(std::chrono::milliseconds(100)), 1u);
    future.wait();
    EXPECT_EQ(read(open, "a"), "1");
}

TEST(KvStore, LazyWritesGoWithADurableOneInOrder) {
    TempFolder folder;
    OpenStore open(folder.store());
    std::vector<int> order;
    open.kv().write(one("a", "1"), spi::Durability::kLazy, [&](spi::Result<bool>) { order.push_back(1); });
    EXPECT_TRUE(write_now(open.kv(), one("a", "2")));
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(read(open, "a"), "2");
    EXPECT_EQ(open.count("pharos_store_commits_total"), 1u);
    EXPECT_EQ(open.count("pharos_store_writes_total"), 2u);
}

TEST(KvStore, StoppingWritesWhatWaits) {
    TempFolder folder;
    bool done = false;
    {
        OpenStore open(folder.store());
        open.kv().write(one("a", "1"), spi::Durability::kLazy,
                        [&](spi::Result<bool> result) { done = result.is_ok(); });
        open.writer->stop(std::chrono::seconds(30));
        EXPECT_TRUE(done);
        EXPECT_EQ(write_now(open.kv(), one("a", "2")).error().code(), Code::kUnavailable);
    }
    OpenStore open(folder.store());
    EXPECT_EQ(read(open, "a"), "1");
}

TEST(KvStore, TheSizeLimitRefusesPutsAndAllowsRemovals) {
    TempFolder folder;
    OpenStore open(folder.store(), 64 << 20, 8 << 20);
    int stored = 0;
    spi::Status refused;
    while (stored < 100 && refused) {
        auto result = write_now(open.kv(), one("k" + std::to_string(stored), std::string(1 << 20, 'x')));
        if (result) {
            ++stored;
        } else {
            refused = result.error();
        }
    }
    EXPECT_EQ(refused.code(), Code::kTooLarge);
    EXPECT_THAT(refused.message(), HasSubstr("storage-lmdb.max_size"));
    EXPECT_GE(stored, 6);
    EXPECT_LE(stored, 8);
    EXPECT_TRUE(write_now(open.kv(), one("k0", std::nullopt)));
    EXPECT_TRUE(write_now(open.kv(), one("k0", std::string(1 << 20, 'x'))));
}

TEST(KvStore, AFullStoreTakesRemovalsByCommit) {
    TempFolder folder;
    OpenStore open(folder.store(), 64 << 20, 4 << 20);
    int stored = 0;
    while (commit_now(open.store(), put("k" + std::to_string(stored), std::string(900'000, 'x')))) {
        ++stored;
    }
    ASSERT_GE(stored, 3);
    // To the last page, so that not even the revision would fit.
    while (write_now(open.kv(), one("f" + std::to_string(stored), std::string(3000, 'x')))) {
        ++stored;
    }
    spi::StoreCommit removal;
    removal.ops.push_back({"k0", std::nullopt});
    EXPECT_TRUE(commit_now(open.store(), removal));
    EXPECT_TRUE(commit_now(open.store(), put("k0", std::string(800'000, 'x'))));
}

TEST(KvStore, OneGroupCannotRunOverTheLimit) {
    TempFolder folder;
    OpenStore open(folder.store(), 64 << 20, 4 << 20);
    std::promise<void> end;
    int good = 0;
    int answered = 0;
    for (int i = 0; i < 32; ++i) {
        open.kv().write(one("k" + std::to_string(i), std::string(1 << 20, 'x')),
                        i < 31 ? spi::Durability::kLazy : spi::Durability::kDurable, [&](spi::Result<bool> result) {
                            good += result ? 1 : 0;
                            if (++answered == 32) {
                                end.set_value();
                            }
                        });
    }
    end.get_future().wait();
    EXPECT_LE(good, 4);
    EXPECT_GE(good, 3);
}

TEST(KvStore, AFullMapFailsTheBigBatchAndNotItsNeighbours) {
    TempFolder folder;
    OpenStore open(folder.store(), 2 << 20, 1 << 20);
    std::promise<void> end;
    std::vector<Code> codes;
    auto note = [&](spi::Result<bool> result) {
        codes.push_back(result ? Code::kOk : result.error().code());
        if (codes.size() == 3) {
            end.set_value();
        }
    };
    open.kv().write(one("a", "1"), spi::Durability::kLazy, note);
    open.kv().write(one("big", std::string(3 << 20, 'x')), spi::Durability::kLazy, note);
    open.kv().write(one("b", "1"), spi::Durability::kDurable, note);
    end.get_future().wait();
    EXPECT_THAT(codes, ElementsAre(Code::kOk, Code::kTooLarge, Code::kOk));
    EXPECT_EQ(read(open, "a") + read(open, "b"), "11");
}

TEST(KvStore, LazyWritesOf4MiBWaitForNothing) {
    TempFolder folder;
    OpenStore open(folder.store());
    std::promise<void> done;
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(read(open, "k0"), "(absent)");
        open.kv().write(one("k" + std::to_string(i), std::string(1 << 20, 'x')), spi::Durability::kLazy,
                        [&, i](spi::Result<bool> result) {
                            EXPECT_TRUE(result);
                            if (i == 3) {
                                done.set_value();
                            }
                        });
    }
    done.get_future().wait();
    EXPECT_EQ(open.count("pharos_store_commits_total"), 1u);
    std::promise<void> asleep;  // the writer, which takes along whatever comes while it is awake
    open.executors.pool.post([&] { asleep.set_value(); });
    asleep.get_future().wait();
    std::promise<void> next;
    open.kv().write(one("a", "1"), spi::Durability::kLazy, [&](spi::Result<bool>) { next.set_value(); });
    auto waiting = next.get_future();
    EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
    open.executors.advance(std::chrono::milliseconds(100));
    waiting.wait();
}

}  // namespace
}  // namespace pharos::storage_lmdb::testing
