#include <gmock/gmock.h>

#include <pharos/testing/fakes.hpp>

#include "model/rules.hpp"
#include "store/repository.hpp"

namespace pharos::config {
namespace {

using namespace pharos::testing;

using namespace std::chrono_literals;
using ::testing::ElementsAre;

EntryPtr entry_of(std::string md5, spi::Revision revision, std::size_t size = 0) {
    ConfigRecord record;
    record.md5 = std::move(md5);
    record.content = std::string(size, 'c');
    return make_entry(view_of(record), revision);
}

TEST(Index, TakesOnlyNewerRevisions) {
    Index index;
    EXPECT_TRUE(index.apply("config/public", 5, entry_of("a", 5)));
    EXPECT_FALSE(index.apply("config/public", 5, entry_of("b", 5)));
    EXPECT_FALSE(index.apply("config/public", 4, nullptr));
    EXPECT_EQ(index.find("config/public")->md5, "a");
    EXPECT_TRUE(index.apply("config/public", 6, nullptr));
    EXPECT_EQ(index.find("config/public"), nullptr);
}

TEST(Index, CountsByNamespace) {
    Index index;
    for (int i = 0; i < 10; ++i) {
        const std::string key = make_key(i < 7 ? "dev" : "", "G", std::to_string(i)).store_key();
        index.apply(key, static_cast<spi::Revision>(i + 1), entry_of("m", static_cast<spi::Revision>(i + 1)));
    }
    EXPECT_EQ(index.size(), 10u);
    EXPECT_EQ(index.count("dev"), 7u);
    EXPECT_EQ(index.count("public"), 3u);
    EXPECT_EQ(index.count("de"), 0u);
}

std::vector<std::uint64_t> ids_of(const Index& index, std::string_view namespace_id) {
    std::vector<std::uint64_t> ids;
    std::uint64_t after = 0;
    for (bool more = true; more;) {
        more = index.scan(namespace_id, after, 2, [&](std::uint64_t id, const std::string&, const EntryPtr&) {
            ids.push_back(id);
            after = id;
        });
    }
    return ids;
}

TEST(Index, ListsInTheOrderOfIds) {
    Index index;
    const auto entry = [](std::uint64_t id, spi::Revision revision) {
        RecordView record;
        record.id = id;
        return make_entry(record, revision);
    };
    const auto key = [](std::string_view data_id) { return make_key("dev", "G", data_id).store_key(); };
    index.apply(key("c"), 10, entry(3, 10));
    index.apply(key("a"), 11, entry(5, 11));
    index.apply(key("b"), 12, entry(4, 12));
    EXPECT_THAT(ids_of(index, "dev"), ElementsAre(3, 4, 5));
    index.apply(key("c"), 13, entry(3, 13));
    EXPECT_EQ(index.find_id(3), key("c"));
    index.apply(key("b"), 14, nullptr);
    EXPECT_THAT(ids_of(index, "dev"), ElementsAre(3, 5));
    EXPECT_FALSE(index.find_id(4));
    index.apply(key("b"), 15, entry(15, 15));
    EXPECT_THAT(ids_of(index, "dev"), ElementsAre(3, 5, 15));
    EXPECT_THAT(ids_of(index, "other"), ElementsAre());
    EXPECT_THAT(index.namespaces(), ElementsAre("dev"));
    EXPECT_EQ(index.count_group("G"), 3u);
    EXPECT_EQ(index.count_group("H"), 0u);
}

TEST(HotContents, KeepsWithinItsBudgetAndWhatIsUsed) {
    HotContents hot(1000);
    std::vector<EntryPtr> entries;
    for (int i = 0; i < 10; ++i) {
        entries.push_back(entry_of("m", 1, 100));
        hot.keep(entries.back(), std::make_shared<const std::string>(100, 'c'));
    }
    EXPECT_EQ(hot.bytes(), 1000u);
    EXPECT_NE(HotContents::find(*entries[0]), nullptr);
    entries.push_back(entry_of("m", 1, 100));
    hot.keep(entries.back(), std::make_shared<const std::string>(100, 'c'));
    EXPECT_EQ(hot.bytes(), 1000u);
    EXPECT_NE(HotContents::find(*entries[0]), nullptr);  // used: it stays, the next one goes
    EXPECT_EQ(HotContents::find(*entries[1]), nullptr);
    const EntryPtr big = entry_of("m", 1, 126);
    hot.keep(big, std::make_shared<const std::string>(126, 'c'));
    EXPECT_EQ(HotContents::find(*big), nullptr);
}

TEST(HotContents, ManyReplacedEntriesDoNotCountForEver) {
    HotContents hot(1000);
    for (int i = 0; i < 1000; ++i) {
        hot.keep(entry_of("m", 1, 100), std::make_shared<const std::string>(100, 'c'));
        ASSERT_LE(hot.bytes(), 1000u);
    }
}

class RepositoryTest : public ::testing::Test {
protected:
    void SetUp() override {
        executors_.time.wall = 1'700'000'000'000;
        ASSERT_TRUE(repository_.start(store_, [this](const std::string& key) { changed_.push_back(key); }));
    }
    static Publish publish_of(std::string content, std::string cas = {}) {
        Publish publish;
        publish.key = make_key("", "G", "d");
        publish.content = std::move(content);
        publish.cas_md5 = std::move(cas);
        return publish;
    }
    spi::Status publish(Publish wanted) {
        spi::Status status(spi::Code::kInternal, "not done");
        repository_.publish(std::move(wanted),
                            [&](spi::Result<bool> done) { status = done ? spi::Status::ok() : done.error(); });
        executors_.blocking.run();
        return status;
    }
    /// Commits until nobody waits.
    void flush() {
        do {
            store_.flush();
        } while (executors_.queue.run() != 0);
    }
    Found query() {
        Found result;
        repository_.query(key_, [&](const Found& found) { result = found; });
        return result;
    }
    ConfigRecord stored() { return *decode(store_.data.at(key_).first); }

    const std::string key_ = make_key("", "G", "d").store_key();
    Index index_;
    FakeExecutors executors_;
    FakeMetrics metrics_;
    MemoryStore store_;
    std::vector<std::string> changed_;
    Repository repository_{index_, 4096, executors_, metrics_};
};

TEST_F(RepositoryTest, PublishedIsReadable) {
    EXPECT_EQ(query().content, nullptr);
    ASSERT_TRUE(publish(publish_of("hello")));
    const Found found = query();
    ASSERT_NE(found.content, nullptr);
    EXPECT_EQ(*found.content, "hello");
    EXPECT_EQ(found.entry->md5, "5d41402abc4b2a76b9719d911017c592");
    EXPECT_EQ(found.entry->type, "text");
    EXPECT_EQ(found.entry->modified_ms, 1'700'000'000'000);
    EXPECT_THAT(changed_, ElementsAre(key_));
}

TEST_F(RepositoryTest, TheSameContentTellsNobody) {
    ASSERT_TRUE(publish(publish_of("hello")));
    executors_.advance(5s);
    Publish again = publish_of("hello");
    again.type = "yaml";
    ASSERT_TRUE(publish(std::move(again)));
    EXPECT_EQ(changed_.size(), 1u);
    EXPECT_EQ(query().entry->type, "yaml");
    EXPECT_EQ(query().entry->modified_ms, 1'700'000'005'000);
    EXPECT_EQ(stored().created_ms, 1'700'000'000'000);
}

TEST_F(RepositoryTest, AbsentFieldsOnUpdate) {
    Publish first = publish_of("1");
    first.app_name = "app";
    first.tags = "a,b";
    first.description = "text";
    first.use = "u";
    ASSERT_TRUE(publish(std::move(first)));
    ASSERT_TRUE(publish(publish_of("2")));
    EXPECT_EQ(stored().app_name, "app");  // kept (protocol/config.md §10.3)
    EXPECT_EQ(stored().tags, "a,b");
    EXPECT_EQ(stored().description, "");  // cleared
    EXPECT_EQ(stored().use, "");
    Publish third = publish_of("3");
    third.app_name = "";
    third.tags = "";
    ASSERT_TRUE(publish(std::move(third)));
    EXPECT_EQ(stored().app_name, "");
    EXPECT_EQ(stored().tags, "");
}

TEST_F(RepositoryTest, CasComparesInsertsAndFails) {
    EXPECT_TRUE(publish(publish_of("hello", "whatever")));  // §10.27: absent inserts
    const spi::Status wrong = publish(publish_of("2", "00000000000000000000000000000000"));
    EXPECT_EQ(wrong.code(), spi::Code::kConflict);
    EXPECT_EQ(wrong.message(), "Cas publish fail, server md5 may have changed.");
    EXPECT_TRUE(publish(publish_of("2", "5d41402abc4b2a76b9719d911017c592")));
    EXPECT_EQ(*query().content, "2");
}

TEST_F(RepositoryTest, OfTwoCasPublishesOneWins) {
    ASSERT_TRUE(publish(publish_of("hello")));
    store_.manual = true;
    std::vector<bool> outcomes;
    for (const char* content : {"a", "b"}) {
        repository_.publish(publish_of(content, "5d41402abc4b2a76b9719d911017c592"),
                            [&](spi::Result<bool> done) { outcomes.push_back(done.is_ok()); });
    }
    flush();
    EXPECT_THAT(outcomes, ElementsAre(true, false));
    EXPECT_EQ(*query().content, "a");
}

TEST_F(RepositoryTest, PlainPublishesOfOneConfigAllGoThrough) {
    store_.manual = true;
    int done = 0;
    for (int i = 0; i < 64; ++i) {
        repository_.publish(publish_of(std::to_string(i)), [&](spi::Result<bool> result) { done += result ? 1 : 0; });
    }
    EXPECT_EQ(repository_.waiting(), 63u);
    flush();
    EXPECT_EQ(done, 64);
    EXPECT_EQ(*query().content, "63");  // in the order in which they came
    EXPECT_EQ(repository_.waiting(), 0u);
}

TEST_F(RepositoryTest, TheIdIsGivenOnceAndKept) {
    ASSERT_TRUE(publish(publish_of("1")));
    const std::uint64_t id = stored().id;
    EXPECT_NE(id, 0u);
    ASSERT_TRUE(publish(publish_of("2")));
    EXPECT_EQ(stored().id, id);
    EXPECT_EQ(index_.find(key_)->id, id);
    repository_.remove(make_key("", "G", "d"), {}, [](const spi::Result<bool>&) {});
    ASSERT_TRUE(publish(publish_of("1")));
    EXPECT_GT(stored().id, id);  // it is another config
}

TEST_F(RepositoryTest, ARecordOfVersion1KeepsTheIdThatItIsListedWith) {
    ConfigRecord old;
    old.content = "old";
    old.md5 = md5_hex("old");
    std::string bytes = encode(old);
    bytes.erase(17, 16);  // id and last change
    bytes[0] = 1;
    spi::StoreCommit commit;
    commit.ops.push_back({key_, bytes});
    store_.revision = 41;
    store_.commit(std::move(commit), [](const spi::Result<spi::Revision>&) {});
    EXPECT_EQ(index_.find(key_)->id, 42u);
    EXPECT_EQ(*query().content, "old");
    ASSERT_TRUE(publish(publish_of("new")));
    EXPECT_EQ(stored().id, 42u);
    EXPECT_EQ(index_.find(key_)->id, 42u);
}

TEST_F(RepositoryTest, AChangeFromElsewhereMeanwhileIsLookedAtAgain) {
    ASSERT_TRUE(publish(publish_of("hello")));
    store_.manual = true;
    bool plain = false;
    spi::Status cas;
    repository_.publish(publish_of("mine"), [&](const spi::Result<bool>& done) { plain = done.is_ok(); });
    ConfigRecord other;
    other.content = "theirs";
    other.md5 = md5_hex("theirs");
    store_.data[key_] = {encode(other), ++store_.revision};
    flush();
    EXPECT_FALSE(plain);
    executors_.advance(10ms);
    flush();
    EXPECT_TRUE(plain);
    EXPECT_EQ(*query().content, "mine");
    repository_.publish(publish_of("cas", md5_hex("mine")),
                        [&](const spi::Result<bool>& done) { cas = done ? spi::Status::ok() : done.error(); });
    store_.data[key_] = {encode(other), ++store_.revision};
    flush();
    executors_.advance(10ms);
    flush();
    EXPECT_EQ(cas.message(), "Cas publish fail, server md5 may have changed.");
}

TEST_F(RepositoryTest, ConflictsWithoutEndAreGivenUpAfterAWhile) {
    store_.failure = spi::Status(spi::Code::kConflict, "made to fail");
    spi::Status status;
    repository_.publish(publish_of("1"), [&](const spi::Result<bool>& done) { status = done.error(); });
    executors_.advance(9s);
    EXPECT_TRUE(status);
    executors_.advance(2s);
    EXPECT_EQ(status.code(), spi::Code::kUnavailable);
    store_.failure = {};
    EXPECT_TRUE(publish(publish_of("1")));
}

TEST_F(RepositoryTest, TooManyWritersOfOneConfigAreRefused) {
    store_.manual = true;
    std::size_t done = 0;
    for (std::size_t i = 0; i < WriteQueue::kMostWaiting + 1; ++i) {
        repository_.publish(publish_of("x"), [&](const spi::Result<bool>& result) { done += result ? 1 : 0; });
    }
    const spi::Status refused = publish(publish_of("x"));
    EXPECT_EQ(refused.code(), spi::Code::kUnavailable);
    EXPECT_EQ(refused.message(), "4096 changes of this config are waiting already");
}

TEST_F(RepositoryTest, RemovesAndTellsOnce) {
    ASSERT_TRUE(publish(publish_of("hello")));
    changed_.clear();
    for (int i = 0; i < 2; ++i) {
        bool done = false;
        repository_.remove(make_key("public", "G", "d"), {}, [&](spi::Result<bool> result) { done = result.is_ok(); });
        EXPECT_TRUE(done);
    }
    EXPECT_THAT(changed_, ElementsAre(key_));
    EXPECT_EQ(query().content, nullptr);
}

TEST_F(RepositoryTest, WhatTheStoreTellsOfOthersArrivesToo) {
    ConfigRecord record;
    record.content = "elsewhere";
    record.md5 = md5_hex(record.content);
    spi::StoreCommit commit;
    commit.ops.push_back({key_, encode(record)});
    store_.commit(std::move(commit), [](spi::Result<spi::Revision>) {});
    EXPECT_THAT(changed_, ElementsAre(key_));
    EXPECT_EQ(*query().content, "elsewhere");
}

TEST_F(RepositoryTest, LargeContentIsReadWhereBlockingIsAllowed) {
    ASSERT_TRUE(publish(publish_of(std::string(70'000, 'x'))));
    std::size_t size = 0;
    repository_.query(key_, [&](const Found& found) { size = found.content->size(); });
    EXPECT_EQ(size, 0u);
    EXPECT_EQ(executors_.blocking.run(), 1u);
    EXPECT_EQ(size, 70'000u);
}

TEST_F(RepositoryTest, LargeContentIsWrittenWhereBlockingIsAllowed) {
    bool done = false;
    const auto begin = [&](std::string content) {
        done = false;
        repository_.publish(publish_of(std::move(content)),
                            [&](const spi::Result<bool>& result) { done = bool(result); });
    };
    begin(std::string(70'000, 'x'));
    EXPECT_FALSE(done);
    EXPECT_EQ(executors_.blocking.run(), 1u);
    EXPECT_TRUE(done);
    begin("small");  // but the one that goes to history is large
    EXPECT_FALSE(done);
    executors_.blocking.run();
    EXPECT_TRUE(done);
    begin("smaller");
    EXPECT_TRUE(done);
}

TEST_F(RepositoryTest, LoadsWhatIsThereAndRefusesWhatItCannotRead) {
    ASSERT_TRUE(publish(publish_of("hello")));
    Index index;
    Repository second(index, 4096, executors_, metrics_);
    ASSERT_TRUE(second.start(store_, [](const std::string&) {}));
    std::string content;
    second.query(key_, [&](const Found& found) { content = *found.content; });
    EXPECT_EQ(content, "hello");
    store_.data["config/public\0G\0z"] = {"\x09rubbish", 9};
    Index empty;
    Repository third(empty, 4096, executors_, metrics_);
    EXPECT_FALSE(third.start(store_, [](const std::string&) {}));
}

/// Something happens between what the load reads and what it makes of it.
class RacingStore final : public MemoryStore {
public:
    [[nodiscard]] std::unique_ptr<spi::StoreSnapshot> snapshot() const noexcept override {
        auto taken = MemoryStore::snapshot();
        if (meanwhile) {
            std::exchange(meanwhile, nullptr)();
        }
        return taken;
    }
    mutable std::function<void()> meanwhile;
};

TEST_F(RepositoryTest, WhatChangesDuringTheLoadComesAfterIt) {
    RacingStore store;
    Index others;
    Repository other(others, 4096, executors_, metrics_);
    ASSERT_TRUE(other.start(store, [](const std::string&) {}));
    other.publish(publish_of("there before"), [](const spi::Result<bool>&) {});
    ASSERT_NE(others.find(key_), nullptr);
    const std::string new_key = make_key("", "G", "new").store_key();
    store.meanwhile = [&] {
        spi::StoreCommit commit;
        commit.ops.push_back({new_key, store.data.at(key_).first});
        commit.ops.push_back({key_, std::nullopt});
        store.commit(std::move(commit), [](const spi::Result<spi::Revision>&) {});
    };
    Index index;
    Repository loading(index, 4096, executors_, metrics_);
    std::vector<std::string> told;
    ASSERT_TRUE(loading.start(store, [&told](const std::string& key) { told.push_back(key); }));
    EXPECT_EQ(index.find(key_), nullptr) << "it was removed";
    EXPECT_NE(index.find(new_key), nullptr);
    EXPECT_EQ(told, (std::vector<std::string>{new_key, key_}));
}

TEST_F(RepositoryTest, AStoreThatCannotBeReadIsNotAnAbsentConfig) {
    ASSERT_TRUE(publish(publish_of(std::string(3000, 'x'))));  // too large to be kept
    store_.broken = true;
    const Found found = query();
    EXPECT_EQ(found.content, nullptr);
    EXPECT_TRUE(found.unreadable);  // protocol/config.md §10.34: never 404 then
}

TEST_F(RepositoryTest, KnowsWhetherTheStoreCanBeRead) {
    EXPECT_TRUE(repository_.is_readable());
    store_.broken = true;
    EXPECT_FALSE(repository_.is_readable());
    store_.broken = false;
    EXPECT_TRUE(repository_.is_readable());
    Index index;
    EXPECT_FALSE(Repository(index, 4096, executors_, metrics_).is_readable());  // not started
}

TEST_F(RepositoryTest, KnowsWhetherTheStoreTakesWrites) {
    EXPECT_TRUE(repository_.write_failure());
    store_.failure = spi::Status(spi::Code::kUnavailable, "made to fail");
    EXPECT_EQ(publish(publish_of("1")).message(), "made to fail");
    EXPECT_EQ(repository_.write_failure().message(), "made to fail");
    store_.failure = {};
    EXPECT_TRUE(repository_.write_failure());  // without a write that shows it
}

TEST_F(RepositoryTest, StoppedItRefuses) {
    repository_.stop(1s);
    EXPECT_EQ(publish(publish_of("1")).code(), spi::Code::kUnavailable);
}

}  // namespace
}  // namespace pharos::config
