#include <gmock/gmock.h>

#include <pharos/testing/fakes.hpp>

#include "history/history.hpp"
#include "history/purge.hpp"
#include "store/repository.hpp"

namespace pharos::config {
namespace {

using namespace pharos::testing;

using namespace std::chrono_literals;
using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Content = HistoryReader::Content;

TEST(HistoryRow, AsDocumented) {  // docs/config.md, "Stored values", written by hand
    HistoryRowView row;
    row.operation = Operation::kUpdate;
    row.content_is_next = true;
    row.at_ms = 258;
    row.config_id = 7;
    row.namespace_id = "n";
    row.group = "g";
    row.data_id = "d";
    row.source_user = "me";
    row.source_ip = "1";
    row.before = "rest";
    const std::string bytes = "\x01U\x01\x02\x01\0\0\0\0\0\0\x07\0\0\0\0\0\0\0"s +
                              "\x01\0\0\0n\x01\0\0\0g\x01\0\0\0d\x02\0\0\0me\x01\0\0\0"s + "1\0\0\0\0rest"s;
    EXPECT_EQ(encode(row), bytes);
    const std::optional<HistoryRowView> read = row_of(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(encode(*read), bytes);
    for (std::size_t size = 0; size < bytes.size() - 4; ++size) {
        EXPECT_FALSE(row_of(std::string_view(bytes).substr(0, size))) << size;
    }
    for (const auto& [place, value] : {std::pair(0, '\x02'), std::pair(1, 'X'), std::pair(2, '\x02')}) {
        std::string wrong = bytes;
        wrong[static_cast<std::size_t>(place)] = value;
        EXPECT_FALSE(row_of(wrong)) << place;
    }
}

TEST(HistoryRow, MarkAsDocumented) {
    const std::string bytes = "D\x02\x01\0\0\0\0\0\0\x07\0\0\0\0\0\0\0"s;
    EXPECT_EQ(encode(ChangeMark{Operation::kRemove, 258, 7}), bytes);
    const std::optional<ChangeMark> mark = mark_of(bytes);
    ASSERT_TRUE(mark);
    EXPECT_EQ(mark->operation, Operation::kRemove);
    EXPECT_EQ(mark->at_ms, 258);
    EXPECT_EQ(mark->config_id, 7u);
    EXPECT_FALSE(mark_of(bytes + "x"));
    EXPECT_FALSE(mark_of(bytes.substr(1)));
}

class HistoryTest : public ::testing::Test {
protected:
    void SetUp() override {
        executors_.time.wall = 1'700'000'000'000;
        ASSERT_TRUE(repository_.start(store_, [](const std::string&) {}));
    }
    void publish(std::string content, std::string type = "yaml", std::string data_id = "d") {
        Publish publish;
        publish.key = make_key("", "G", data_id);
        publish.content = std::move(content);
        publish.type = std::move(type);
        publish.author = {"me", "1.1.1.1"};
        repository_.publish(std::move(publish), [](const spi::Result<bool>& done) { ASSERT_TRUE(done); });
    }
    void remove() {
        repository_.remove(make_key("", "G", "d"), {"you", "2.2.2.2"},
                           [](const spi::Result<bool>& done) { ASSERT_TRUE(done); });
    }
    /// Oldest first, with contents.
    std::vector<PastChange> rows(const std::string& data_id = "d") {
        const auto snapshot = store_.snapshot();
        const HistoryReader reader(*snapshot);
        std::vector<PastChange> rows;
        for (const std::uint64_t number : reader.numbers(make_key("", "G", data_id).store_key())) {
            rows.push_back(*reader.find(number, Content::kRead));
        }
        return rows;
    }
    std::size_t keys(std::string_view prefix) const {
        return static_cast<std::size_t>(std::count_if(store_.data.begin(), store_.data.end(),
                                                      [&](const auto& one) { return one.first.starts_with(prefix); }));
    }

    const std::string key_ = make_key("", "G", "d").store_key();
    Index index_;
    FakeExecutors executors_;
    FakeMetrics metrics_;
    NullLog log_;
    MemoryStore store_;
    Repository repository_{index_, 4096, executors_, metrics_};
};

TEST_F(HistoryTest, EachChangeHasARow) {  // protocol/config.md §5.2, §10 trap 7
    publish("one");
    const std::uint64_t id = index_.find(key_)->id;
    executors_.advance(1s);
    publish("two", "json");
    executors_.advance(1s);
    remove();
    const std::vector<PastChange> all = rows();
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[0].row.operation, Operation::kInsert);
    EXPECT_EQ(all[0].row.config_id, 0u);
    EXPECT_EQ(all[0].state.content, "one");  // the new one
    EXPECT_EQ(all[0].state.type, "yaml");
    EXPECT_EQ(all[0].row.source_user, "me");
    EXPECT_EQ(all[0].row.source_ip, "1.1.1.1");
    EXPECT_EQ(all[0].row.at_ms, 1'700'000'000'000);
    EXPECT_EQ(all[1].row.operation, Operation::kUpdate);
    EXPECT_EQ(all[1].row.config_id, id);
    EXPECT_EQ(all[1].state.content, "one");  // the one before
    EXPECT_EQ(all[1].state.md5, md5_hex("one"));
    EXPECT_EQ(all[1].state.type, "yaml");
    EXPECT_EQ(all[2].row.operation, Operation::kRemove);
    EXPECT_EQ(all[2].row.config_id, id);
    EXPECT_EQ(all[2].state.content, "two");
    EXPECT_EQ(all[2].state.type, "json");
    EXPECT_EQ(all[2].row.source_user, "you");
    EXPECT_EQ(all[2].row.source_ip, "2.2.2.2");
    EXPECT_EQ(all[2].row.at_ms, 1'700'000'002'000);
    EXPECT_LT(all[0].number, all[1].number);
    EXPECT_LT(all[1].number, all[2].number);
}

TEST_F(HistoryTest, AnInsertionShowsTheConfigUntilItChanges) {
    publish("one");
    EXPECT_EQ(rows()[0].state.content, "one");
    EXPECT_EQ(store_.data.at(history_key(rows()[0].number)).first.find("one"), std::string::npos);  // stored once
    publish("two");
    EXPECT_EQ(rows()[0].state.content, "one");
}

TEST_F(HistoryTest, TheSameContentIsStoredOnce) {
    publish("same");
    publish("same", "json");
    publish("same", "xml");
    std::vector<PastChange> all = rows();
    ASSERT_THAT(all, SizeIs(3));
    for (const PastChange& row : all) {
        EXPECT_EQ(row.state.content, "same");
        EXPECT_EQ(store_.data.at(history_key(row.number)).first.find("same"), std::string::npos);
    }
    EXPECT_EQ(all[1].state.type, "yaml");
    EXPECT_EQ(all[2].state.type, "json");
    publish("other");
    all = rows();
    EXPECT_EQ(all[0].state.content, "same");
    EXPECT_EQ(all[1].state.content, "same");
    EXPECT_EQ(all[2].state.content, "same");
    EXPECT_EQ(all[3].state.content, "same");
    remove();
    publish("again");
    all = rows();
    EXPECT_EQ(all[2].state.content, "same");
    EXPECT_EQ(all[4].state.content, "other");
    EXPECT_EQ(all[5].state.content, "again");
}

TEST_F(HistoryTest, StateAfterEachChange) {
    publish("one");
    publish("two");
    publish("two");
    remove();
    const std::vector<PastChange> all = rows();
    const auto snapshot = store_.snapshot();
    const HistoryReader reader(*snapshot);
    const auto after = [&](std::size_t i) { return reader.state_after(all[i].number, all[i].row, Content::kRead); };
    EXPECT_EQ(after(0)->content, "one");
    EXPECT_EQ(after(1)->content, "two");
    EXPECT_EQ(after(2)->content, "two");
    EXPECT_FALSE(after(3));
}

TEST_F(HistoryTest, NewestByIdIsNeverTheInsertion) {
    publish("one");
    const std::uint64_t id = index_.find(key_)->id;
    const auto newest = [&] { return HistoryReader(*store_.snapshot()).newest_of_id(key_, id); };
    EXPECT_FALSE(newest());
    publish("two");
    EXPECT_EQ(newest(), rows()[1].number);
    publish("three");
    EXPECT_EQ(newest(), rows()[2].number);
    EXPECT_FALSE(HistoryReader(*store_.snapshot()).newest_of_id(key_, id + 1));
}

TEST_F(HistoryTest, ChangeAndRowAreOneCommit) {
    publish("one");
    const spi::Revision before = store_.revision;
    store_.manual = true;
    publish("two");
    store_.flush();
    EXPECT_EQ(store_.revision, before + 1);
    EXPECT_EQ(store_.data.at(key_).second, store_.data.at(history_key(rows()[1].number)).second);
}

TEST_F(HistoryTest, RefusedAndVoidChangesLeaveNoRow) {
    publish("one");
    store_.failure = spi::Status(spi::Code::kInternal, "made to fail");
    Publish failing;
    failing.key = make_key("", "G", "d");
    failing.content = "two";
    repository_.publish(std::move(failing), [](const spi::Result<bool>& done) { EXPECT_FALSE(done); });
    store_.failure = {};
    EXPECT_THAT(rows(), SizeIs(1));
    remove();
    remove();
    EXPECT_THAT(rows(), SizeIs(2));
}

TEST_F(HistoryTest, NumbersGrowOverARestartAndWithOtherWriters) {
    publish("one");
    publish("two");
    store_.revision = 0;  // a store that counts anew would not give a number twice either
    Index index;
    Repository second(index, 4096, executors_, metrics_);
    ASSERT_TRUE(second.start(store_, [](const std::string&) {}));
    Publish third;
    third.key = make_key("", "G", "d");
    third.content = "three";
    second.publish(std::move(third), [](const spi::Result<bool>& done) { EXPECT_TRUE(done); });
    const std::vector<PastChange> all = rows();
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[2].state.content, "two");
}

TEST_F(HistoryTest, ANumberThatAnotherNodeTookIsReplaced) {
    publish("one");
    const std::uint64_t next = rows()[0].number + 1;
    store_.data[history_key(next)] = {encode(HistoryRowView{}), 1};
    bool done = false;
    Publish publish;
    publish.key = make_key("", "G", "d");
    publish.content = "two";
    repository_.publish(std::move(publish), [&](const spi::Result<bool>& outcome) { done = outcome.is_ok(); });
    executors_.advance(10ms);
    EXPECT_TRUE(done);
    EXPECT_THAT(rows(), SizeIs(2));
    EXPECT_GT(rows()[1].number, next);
}

class PurgeTest : public HistoryTest {
protected:
    void start(HistoryPurge::Limits limits) {
        purge_ = std::make_unique<HistoryPurge>(limits, executors_, metrics_, log_);
        purge_->start(store_);
    }
    void TearDown() override {
        if (purge_) {
            purge_->stop(1s);
        }
    }
    std::unique_ptr<HistoryPurge> purge_;
};

TEST_F(PurgeTest, RowsAreRemovedWhenTheyAreTooOld) {
    publish("one");
    executors_.advance(24h);
    publish("two");
    executors_.advance(24h);
    publish("three", "yaml", "other");
    start({2, 0});
    executors_.advance(9s);
    EXPECT_THAT(rows(), SizeIs(2));
    executors_.advance(2s);
    ASSERT_THAT(rows(), SizeIs(1));
    EXPECT_EQ(rows()[0].state.content, "one");  // what was before "two" is known still
    EXPECT_THAT(rows("other"), SizeIs(1));
    EXPECT_EQ(keys(kHistoryPrefix), keys(kChangesPrefix));
    executors_.advance(24h + 10min);
    EXPECT_THAT(rows(), IsEmpty());
    EXPECT_EQ(decode(store_.data.at(key_).first)->content, "two");  // the configs stay
    EXPECT_EQ(metrics_.counters.at("pharos_config_history_purged_total")->value(), 2u);
}

TEST_F(PurgeTest, TheNewestOfEachConfigStay) {
    for (int i = 0; i < 10; ++i) {
        publish(std::to_string(i));
    }
    publish("a", "yaml", "other");
    publish("b", "yaml", "other");
    start({0, 3});
    executors_.advance(2min);
    const std::vector<PastChange> all = rows();
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[0].state.content, "6");
    EXPECT_EQ(all[2].state.content, "8");
    EXPECT_THAT(rows("other"), SizeIs(2));
    EXPECT_EQ(keys(kHistoryPrefix), keys(kChangesPrefix));
}

TEST_F(PurgeTest, WithoutLimitsEverythingStays) {
    for (int i = 0; i < 10; ++i) {
        publish(std::to_string(i));
    }
    start({0, 0});
    executors_.advance(24h * 365);
    EXPECT_THAT(rows(), SizeIs(10));
}

TEST_F(PurgeTest, StepsAreSmallAndPausesBetweenThem) {
    for (int i = 0; i < 1000; ++i) {
        publish(std::to_string(i));
    }
    start({30, 10});
    executors_.time.wall += 40 * 24 * 3600 * std::int64_t{1000};
    store_.manual = true;
    executors_.advance(2min);
    std::vector<std::size_t> steps;
    for (std::size_t left = 1000; left > 0 && steps.size() < 10; left = keys(kHistoryPrefix)) {
        store_.flush();
        steps.push_back(left - keys(kHistoryPrefix));
        executors_.advance(10ms);
    }
    EXPECT_THAT(steps, ElementsAre(256, 256, 256, 232));
}

TEST_F(PurgeTest, AFailedStepIsTriedInTheNextRound) {
    publish("one");
    executors_.advance(24h * 31);
    start({30, 0});
    store_.failure = spi::Status(spi::Code::kUnavailable, "made to fail");
    executors_.advance(2min);
    EXPECT_THAT(rows(), SizeIs(1));
    store_.failure = {};
    executors_.advance(11min);
    EXPECT_THAT(rows(), IsEmpty());
}

TEST_F(PurgeTest, StoppedItDoesNothing) {
    publish("one");
    executors_.advance(24h * 31);
    start({30, 0});
    purge_->stop(1s);
    executors_.advance(1h);
    EXPECT_THAT(rows(), SizeIs(1));
}

}  // namespace
}  // namespace pharos::config
