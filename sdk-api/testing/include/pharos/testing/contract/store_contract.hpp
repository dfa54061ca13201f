#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <pharos/spi/store.hpp>

namespace pharos::testing {

/// An empty store of its own.
class StoreSubject {
public:
    virtual ~StoreSubject() = default;
    virtual spi::Store& store() = 0;
    /// Ends it and opens it again on the same data; false when it keeps none.
    virtual bool reopen() = 0;
};

/// What every spi::Store promises. Instantiate it with functions that make a subject:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, StoreContract, ::testing::Values(&make_mine));
class StoreContract : public ::testing::TestWithParam<std::unique_ptr<StoreSubject> (*)()> {
public:
    using Subject = StoreSubject;

protected:
    using Code = spi::Code;
    using Revision = spi::Revision;
    using StoreChange = spi::StoreChange;
    using StoreCommit = spi::StoreCommit;
    using Kind = spi::StoreCompare::Kind;

    void SetUp() override {
        subject_ = GetParam()();
        ASSERT_NE(subject_, nullptr);
    }
    spi::Store& store() { return subject_->store(); }
    std::string read(std::string_view key) {
        auto snapshot = store().snapshot();
        auto found = snapshot->get(key);
        return found ? std::string(found->value) : "(absent)";
    }
    static StoreCommit put(std::string key, std::string value) {
        StoreCommit commit;
        commit.ops.push_back({std::move(key), std::move(value)});
        return commit;
    }
    static StoreCommit with(StoreCommit commit, std::string key, Kind kind, Revision revision = 0) {
        commit.compares.push_back({std::move(key), kind, revision});
        return commit;
    }
    static spi::Result<Revision> commit_now(spi::Store& store, StoreCommit commit) {
        auto done = std::make_shared<std::promise<spi::Result<Revision>>>();
        auto future = done->get_future();
        store.commit(std::move(commit), [done](spi::Result<Revision> result) { done->set_value(std::move(result)); });
        return future.get();
    }

    std::unique_ptr<StoreSubject> subject_;
};

TEST_P(StoreContract, PutsReadsAndRemoves) {
    auto first = commit_now(store(), put("a", "1"));
    ASSERT_TRUE(first);
    EXPECT_EQ(read("a"), "1");
    EXPECT_EQ(store().snapshot()->get("a")->revision, *first);
    EXPECT_EQ(store().snapshot()->revision(), *first);
    StoreCommit removal;
    removal.ops.push_back({"a", std::nullopt});
    auto second = commit_now(store(), removal);
    ASSERT_TRUE(second);
    EXPECT_GT(*second, *first);
    EXPECT_EQ(read("a"), "(absent)");
}

TEST_P(StoreContract, EmptyValuesArePresent) {
    ASSERT_TRUE(commit_now(store(), put("a", "")));
    EXPECT_EQ(read("a"), "");
}

TEST_P(StoreContract, ComparesDecide) {
    EXPECT_TRUE(commit_now(store(), with(put("a", "1"), "a", Kind::kAbsent)));
    auto taken = commit_now(store(), with(put("a", "2"), "a", Kind::kAbsent));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code(), Code::kConflict);
    EXPECT_THAT(taken.error().message(), ::testing::HasSubstr("a"));
    EXPECT_FALSE(commit_now(store(), with(put("b", "1"), "b", Kind::kPresent)));
    auto now = commit_now(store(), with(put("a", "3"), "a", Kind::kPresent));
    ASSERT_TRUE(now);
    EXPECT_FALSE(commit_now(store(), with(put("a", "4"), "a", Kind::kRevisionIs, *now - 1)));
    EXPECT_FALSE(commit_now(store(), with(put("a", "4"), "none", Kind::kRevisionIs, *now)));
    EXPECT_TRUE(commit_now(store(), with(put("a", "5"), "a", Kind::kRevisionIs, *now)));
    EXPECT_EQ(read("a"), "5");
    EXPECT_EQ(read("b"), "(absent)");
}

TEST_P(StoreContract, AllOpsOfACommitOrNone) {
    StoreCommit both;
    both.ops.push_back({"x", "1"});
    both.ops.push_back({"y", "1"});
    auto done = commit_now(store(), both);
    ASSERT_TRUE(done);
    auto snapshot = store().snapshot();
    EXPECT_EQ(snapshot->get("x")->revision, *done);
    EXPECT_EQ(snapshot->get("y")->revision, *done);
    both.ops[0].value = both.ops[1].value = "2";
    EXPECT_FALSE(commit_now(store(), with(both, "y", Kind::kAbsent)));
    EXPECT_EQ(read("x"), "1");
    both.ops.push_back({std::string(481, 'k'), "1"});
    auto refused = commit_now(store(), both);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
    EXPECT_EQ(read("x"), "1");
}

TEST_P(StoreContract, KeysOf480Bytes) {
    EXPECT_TRUE(commit_now(store(), put(std::string(480, 'k'), "1")));
    EXPECT_FALSE(commit_now(store(), put("", "1")));
}

TEST_P(StoreContract, SnapshotsStandStill) {
    ASSERT_TRUE(commit_now(store(), put("a", "1")));
    auto before = store().snapshot();
    ASSERT_TRUE(commit_now(store(), put("a", "2")));
    ASSERT_TRUE(commit_now(store(), put("b", "2")));
    EXPECT_EQ(before->get("a")->value, "1");
    EXPECT_FALSE(before->get("b"));
    EXPECT_LT(before->revision(), store().snapshot()->revision());
}

TEST_P(StoreContract, ScansAPrefixInOrderFromAKey) {
    for (const char* key : {"p/b", "p/a", "p/c", "o/z", "q"}) {
        ASSERT_TRUE(commit_now(store(), put(key, key)));
    }
    auto keys = [&](std::string_view prefix, std::string_view from, std::size_t limit = 100) {
        std::vector<std::string> found;
        store().snapshot()->scan(prefix, from, [&](std::string_view key, const spi::StoreValue& value) {
            EXPECT_EQ(key, value.value);
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

TEST_P(StoreContract, WatchersHearTheirPrefixInOrderBeforeTheCompletion) {
    std::mutex mutex;
    std::vector<std::string> heard;
    auto watch = store().watch("w/", 0, [&](std::span<const StoreChange> changes) {
        std::lock_guard lock(mutex);
        for (const StoreChange& change : changes) {
            heard.push_back(std::string(change.key) + "=" + std::string(change.value.value_or("(gone)")));
        }
    });
    ASSERT_TRUE(commit_now(store(), put("w/1", "a")));
    ASSERT_TRUE(commit_now(store(), put("other", "a")));
    StoreCommit two = put("w/2", "b");
    two.ops.push_back({"w/1", std::nullopt});
    ASSERT_TRUE(commit_now(store(), two));
    EXPECT_FALSE(commit_now(store(), with(put("w/3", "c"), "w/2", Kind::kAbsent)));
    EXPECT_THAT(heard, ::testing::ElementsAre("w/1=a", "w/2=b", "w/1=(gone)"));
    watch.reset();
    ASSERT_TRUE(commit_now(store(), put("w/4", "d")));
    EXPECT_EQ(heard.size(), 3u);
}

TEST_P(StoreContract, WatchersSkipWhatTheyHave) {
    auto revision = commit_now(store(), put("w/1", "a"));
    ASSERT_TRUE(revision);
    std::vector<Revision> heard;
    auto watch = store().watch("w/", *revision + 1,
                               [&](std::span<const StoreChange> changes) { heard.push_back(changes[0].revision); });
    ASSERT_TRUE(commit_now(store(), put("w/1", "b")));
    auto third = commit_now(store(), put("w/1", "c"));
    EXPECT_THAT(heard, ::testing::ElementsAre(*third));
}

TEST_P(StoreContract, KeepsDataAndRevisionOverAReopen) {
    auto before = commit_now(store(), put("a", "1"));
    ASSERT_TRUE(before);
    if (!subject_->reopen()) {
        GTEST_SKIP() << "this store keeps nothing";
    }
    EXPECT_EQ(read("a"), "1");
    EXPECT_EQ(store().snapshot()->revision(), *before);
    auto after = commit_now(store(), put("a", "2"));
    ASSERT_TRUE(after);
    EXPECT_GT(*after, *before);
}

TEST_P(StoreContract, BarrierComesAfterWhatWasQueued) {
    std::promise<Revision> barrier;
    std::atomic<int> commits{0};
    for (int i = 0; i < 20; ++i) {
        store().commit(put("k" + std::to_string(i), "v"), [&](spi::Result<Revision>) { ++commits; });
    }
    int seen = 0;
    store().barrier([&](spi::Result<Revision> at) {
        seen = commits;
        barrier.set_value(*at);
    });
    const Revision reached = barrier.get_future().get();
    EXPECT_EQ(reached, store().snapshot()->revision());
    EXPECT_EQ(seen, 20);
}

TEST_P(StoreContract, FourThreadsAddUpUnderConflicts) {
    ASSERT_TRUE(commit_now(store(), put("sum", "0")));
    constexpr int kEach = 100;
    std::atomic<int> conflicts{0};
    std::vector<Revision> told;
    auto watch =
        store().watch("sum", 0, [&](std::span<const StoreChange> changes) { told.push_back(changes[0].revision); });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int done = 0; done < kEach;) {
                StoreCommit commit;
                {
                    auto snapshot = store().snapshot();
                    auto now = snapshot->get("sum");
                    commit = with(put("sum", std::to_string(std::stoi(std::string(now->value)) + 1)), "sum",
                                  Kind::kRevisionIs, now->revision);
                }
                auto result = commit_now(store(), std::move(commit));
                if (result) {
                    ++done;
                } else {
                    ASSERT_EQ(result.error().code(), Code::kConflict);
                    ++conflicts;
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(read("sum"), "400");
    EXPECT_EQ(told.size(), 400u);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
}

TEST_P(StoreContract, OneOfAStormOfCreatorsWins) {
    std::atomic<int> won{0};
    std::atomic<int> answered{0};
    std::promise<void> all;
    for (int i = 0; i < 500; ++i) {
        store().commit(with(put("one", std::to_string(i)), "one", Kind::kAbsent), [&](spi::Result<Revision> result) {
            won += result.is_ok() ? 1 : 0;
            if (++answered == 500) {
                all.set_value();
            }
        });
    }
    all.get_future().wait();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(read("one"), "0");
}

TEST_P(StoreContract, ACompletionMayCommitAgain) {
    std::promise<void> end;
    store().commit(put("a", "1"), [&](spi::Result<Revision>) {
        store().commit(put("a", "2"), [&](spi::Result<Revision>) { end.set_value(); });
    });
    end.get_future().wait();
    EXPECT_EQ(read("a"), "2");
}

}  // namespace pharos::testing
