#pragma once

#include <gmock/gmock.h>

#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/kv_store.hpp>

namespace pharos::testing {

/// An empty store of its own.
class KvStoreSubject {
public:
    virtual ~KvStoreSubject() = default;
    virtual spi::KvStore& store() = 0;
    /// Ends it and opens it again on the same data.
    virtual void reopen() = 0;
};

/// What every spi::KvStore promises. Instantiate it with functions that make a subject:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, KvStoreContract, ::testing::Values(&make_mine));
class KvStoreContract : public ::testing::TestWithParam<std::unique_ptr<KvStoreSubject> (*)()> {
public:
    using Subject = KvStoreSubject;

protected:
    using Code = spi::Code;

    void SetUp() override {
        subject_ = GetParam()();
        ASSERT_NE(subject_, nullptr);
    }
    spi::KvStore& store() { return subject_->store(); }
    std::string read(std::string_view key) {
        const auto snapshot = store().snapshot();
        const auto found = snapshot->get(key);
        return found ? std::string(*found) : "(absent)";
    }
    static spi::KvBatch one(std::string key, std::optional<std::string> value) {
        spi::KvBatch batch;
        batch.ops.push_back({std::move(key), std::move(value)});
        return batch;
    }
    spi::Result<bool> write(spi::KvBatch batch, spi::Durability durability = spi::Durability::kDurable) {
        auto done = std::make_shared<std::promise<spi::Result<bool>>>();
        auto future = done->get_future();
        store().write(std::move(batch), durability,
                      [done](spi::Result<bool> result) { done->set_value(std::move(result)); });
        return future.get();
    }

    std::unique_ptr<KvStoreSubject> subject_;
};

TEST_P(KvStoreContract, KeepsWhatIsDurableOverAReopen) {
    ASSERT_TRUE(write(one("b", "2")));
    ASSERT_TRUE(write(one("a", "")));
    ASSERT_TRUE(write(one("b", std::nullopt)));
    EXPECT_TRUE(write(one("none", std::nullopt))) << "to remove what is not there is no error";
    subject_->reopen();
    EXPECT_EQ(read("a"), "");
    EXPECT_EQ(read("b"), "(absent)");
}

TEST_P(KvStoreContract, AllOpsOfABatchOrNone) {
    spi::KvBatch batch = one("a", "1");
    batch.ops.push_back({"b", "1"});
    ASSERT_TRUE(write(batch));
    EXPECT_EQ(read("a") + read("b"), "11");
    batch.ops[0].value = batch.ops[1].value = "2";
    batch.ops.push_back({std::string(512, 'k'), "2"});
    const auto refused = write(batch);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
    EXPECT_EQ(read("a") + read("b"), "11");
}

TEST_P(KvStoreContract, KeysOf1To511Bytes) {
    EXPECT_TRUE(write(one(std::string(511, 'k'), "1")));
    EXPECT_EQ(write(one("", "1")).error().code(), Code::kInvalidArgument);
    EXPECT_EQ(write(one(std::string(512, 'k'), "1")).error().code(), Code::kInvalidArgument);
}

TEST_P(KvStoreContract, SnapshotsStandStill) {
    ASSERT_TRUE(write(one("a", "1")));
    const auto before = store().snapshot();
    ASSERT_TRUE(write(one("a", "2")));
    ASSERT_TRUE(write(one("b", "2")));
    EXPECT_EQ(before->get("a"), "1");
    EXPECT_FALSE(before->get("b"));
    EXPECT_EQ(read("a"), "2");
}

TEST_P(KvStoreContract, ScansAPrefixInOrderFromAKey) {
    for (const char* key : {"p/b", "p/a", "p/c", "o/z", "q"}) {
        ASSERT_TRUE(write(one(key, key)));
    }
    const auto keys = [&](std::string_view prefix, std::string_view from, std::size_t limit = 100) {
        std::vector<std::string> found;
        store().snapshot()->scan(prefix, from, [&](std::string_view key, std::string_view value) {
            EXPECT_EQ(key, value);
            found.emplace_back(key);
            return found.size() < limit;
        });
        return found;
    };
    EXPECT_THAT(keys("p/", ""), ::testing::ElementsAre("p/a", "p/b", "p/c"));
    EXPECT_THAT(keys("p/", "p/b"), ::testing::ElementsAre("p/b", "p/c"));
    EXPECT_THAT(keys("p/", "", 1), ::testing::ElementsAre("p/a"));
    EXPECT_THAT(keys("", ""), ::testing::ElementsAre("o/z", "p/a", "p/b", "p/c", "q"));
    EXPECT_THAT(keys("r", ""), ::testing::ElementsAre());
}

TEST_P(KvStoreContract, CompletionsComeInTheOrderOfTheWrites) {
    std::vector<int> order;
    for (int i = 0; i < 20; ++i) {
        store().write(one("k", std::to_string(i)), i % 3 == 0 ? spi::Durability::kDurable : spi::Durability::kLazy,
                      [&order, i](spi::Result<bool>) { order.push_back(i); });
    }
    ASSERT_TRUE(write(one("end", "")));
    ASSERT_EQ(order.size(), 20u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(read("k"), "19");
}

}  // namespace pharos::testing
