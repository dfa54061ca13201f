#include <gmock/gmock.h>

#include <pharos/testing/fakes.hpp>

#include "search/search.hpp"

namespace pharos::config {
namespace {

using namespace pharos::testing;

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Signs = LikePattern::Signs;

class SearchTest : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(repository_.start(store_, [](const std::string&) {}));
    }

    void publish(std::string_view tenant, std::string_view group, std::string_view data_id, std::string content = "c",
                 std::string type = "text", std::string app = "", std::string tags = "") {
        Publish publish;
        publish.key = make_key(tenant, group, data_id);
        publish.content = std::move(content);
        publish.type = std::move(type);
        publish.app_name = std::move(app);
        publish.tags = std::move(tags);
        repository_.publish(std::move(publish), [](const spi::Result<bool>& done) { ASSERT_TRUE(done); });
        executors_.run();
    }
    struct Outcome {
        std::optional<ConfigPage> page;
        spi::Status error;
        std::vector<std::string> names;
    };
    std::shared_ptr<Outcome> begin(ConfigFilter filter, protocol::PageRequest page = {},
                                   Search::Contents contents = Search::Contents::kLeftOut) {
        auto outcome = std::make_shared<Outcome>();
        search_.find(std::move(filter), page, contents, [outcome](spi::Result<ConfigPage> found) {
            if (!found) {
                outcome->error = found.error();
                return;
            }
            outcome->page = std::move(found.value());
            for (const FoundConfig& one : outcome->page->items) {
                outcome->names.push_back(one.key.data_id);
            }
        });
        return outcome;
    }
    Outcome find(ConfigFilter filter, protocol::PageRequest page = {},
                 Search::Contents contents = Search::Contents::kLeftOut) {
        const auto outcome = begin(std::move(filter), page, contents);
        executors_.run();
        return *outcome;
    }

    Index index_;
    FakeExecutors executors_;
    FakeMetrics metrics_;
    MemoryStore store_;
    Repository repository_{index_, 4096, executors_, metrics_};
    Search search_{index_, repository_, executors_, {.running = 2, .waiting = 1, .patience = 8s}};
};

TEST_F(SearchTest, PagesAreInTheOrderOfCreation) {
    for (const char* name : {"c", "a", "e", "b", "d"}) {
        publish("", "G", name);
    }
    publish("", "G", "a", "changed");  // stays where it is
    publish("dev", "G", "x");
    EXPECT_THAT(find({}).names, ElementsAre("c", "a", "e", "b", "d"));
    EXPECT_THAT(find({}, {1, 2}).names, ElementsAre("c", "a"));
    EXPECT_THAT(find({}, {3, 2}).names, ElementsAre("d"));
    const Outcome beyond = find({}, {4, 2});
    EXPECT_THAT(beyond.names, IsEmpty());
    EXPECT_EQ(beyond.page->total, 5u);  // protocol/config.md §2.1
    EXPECT_THAT(find({}, {2'147'483'647, 2'147'483'647}).names, IsEmpty());
}

TEST_F(SearchTest, FiltersByWhatIsGiven) {
    publish("", "G1", "a.yaml", "c", "yaml", "shop", "red,blue");
    publish("", "G1", "b.yaml", "c", "json", "shop", "green");
    publish("", "G2", "a.yaml", "c", "yaml");
    ConfigFilter filter;
    filter.data_id = LikePattern("a*");
    EXPECT_EQ(find(filter).page->total, 2u);
    filter.group = LikePattern("G1", Signs::kNone);
    EXPECT_EQ(find(filter).page->total, 1u);
    filter = {};
    filter.app_name = "shop";
    EXPECT_EQ(find(filter).page->total, 2u);
    filter.types = {"json", "xml"};
    EXPECT_THAT(find(filter).names, ElementsAre("b.yaml"));
    filter = {};
    filter.tags = {LikePattern("bl*"), LikePattern("green")};
    EXPECT_THAT(find(filter).names, ElementsAre("a.yaml", "b.yaml"));  // each once
    filter.tags = {LikePattern("bl", Signs::kNone)};
    EXPECT_THAT(find(filter).names, IsEmpty());
    filter = {};
    filter.data_id = LikePattern("a*", Signs::kNone);
    EXPECT_THAT(find(filter).names, IsEmpty());
}

TEST_F(SearchTest, NamespacesMayBeAPattern) {
    publish("ns_1", "G", "a");
    publish("ns_2", "G", "b");
    publish("nsx1", "G", "c");
    ConfigFilter filter;
    filter.namespaces = LikePattern("ns_*", Signs::kStar);
    EXPECT_THAT(find(filter).names, ElementsAre("a", "b"));
    filter.namespaces = LikePattern("*", Signs::kStar);
    EXPECT_THAT(find(filter).names, ElementsAre("a", "b", "c"));
    filter.namespaces = LikePattern("none", Signs::kNone);
    EXPECT_EQ(find(filter).page->total, 0u);
}

TEST_F(SearchTest, FindsInContents) {
    publish("", "G", "a", "url: mysql://db1\nuser: x");
    publish("", "G", "b", std::string(100'000, 'x') + "mysql");
    publish("", "G", "c", "nothing");
    ConfigFilter filter;
    filter.content = LikePattern("*mysql*");
    EXPECT_THAT(find(filter).names, ElementsAre("a", "b"));
    filter.data_id = LikePattern("a");
    const Outcome one = find(filter, {}, Search::Contents::kRead);
    ASSERT_THAT(one.names, ElementsAre("a"));
    EXPECT_EQ(*one.page->items[0].content, "url: mysql://db1\nuser: x");
    filter = {};
    filter.content = LikePattern("nothing");  // without a sign it is the whole content
    EXPECT_THAT(find(filter).names, ElementsAre("c"));
}

TEST_F(SearchTest, GoesOnInStepsOverMany) {
    MemoryStore::Data data;
    for (int i = 0; i < 10'000; ++i) {
        RecordView record;
        record.content = i % 5000 == 4999 ? "needle" : "hay";
        record.id = static_cast<std::uint64_t>(i + 1);
        data[make_key("", "G", "d" + std::to_string(i)).store_key()] = {encode(record), 1};
    }
    store_.data = data;
    Index index;
    Repository repository(index, 0, executors_, metrics_);
    ASSERT_TRUE(repository.start(store_, [](const std::string&) {}));
    Search search(index, repository, executors_, {});
    ConfigFilter filter;
    std::size_t total = 0;
    search.find(filter, {100, 100}, Search::Contents::kLeftOut, [&](const spi::Result<ConfigPage>& found) {
        total = found.value().total;
        EXPECT_EQ(found.value().items.front().key.data_id, "d9900");
    });
    EXPECT_EQ(executors_.blocking.run(), 3u);  // 4096 configs each
    EXPECT_EQ(total, 10'000u);
    filter.content = LikePattern("needle");
    search.find(filter, {}, Search::Contents::kLeftOut,
                [&](const spi::Result<ConfigPage>& found) { total = found.value().total; });
    EXPECT_GT(executors_.blocking.run(), 10u);
    EXPECT_EQ(total, 2u);
}

TEST_F(SearchTest, TooManySearchesInContentsAreRefused) {  // protocol/config.md §2.6
    publish("", "G", "a", "x");
    ConfigFilter filter;
    filter.content = LikePattern("*x*");
    std::vector<std::shared_ptr<Outcome>> outcomes;
    for (int i = 0; i < 4; ++i) {
        outcomes.push_back(begin(filter));
    }
    EXPECT_EQ(outcomes[3]->error.code(), spi::Code::kUnavailable);  // two run, one waits
    EXPECT_EQ(outcomes[3]->error.message(), "server limit match.");
    const auto plain = begin({});  // the others are not limited
    executors_.run();
    EXPECT_TRUE(plain->page);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(outcomes[static_cast<std::size_t>(i)]->page) << i;
        EXPECT_EQ(outcomes[static_cast<std::size_t>(i)]->page->total, 1u);
    }
    EXPECT_TRUE(find(filter).page);  // all places are free again
    EXPECT_TRUE(find(filter).page);
}

TEST_F(SearchTest, WhoWaitsForTooLongIsRefused) {
    publish("", "G", "a", "x");
    ConfigFilter filter;
    filter.content = LikePattern("*x*");
    const auto first = begin(filter);
    const auto second = begin(filter);
    const auto third = begin(filter);
    executors_.time.now += 8s;  // nothing has run meanwhile
    executors_.timer_queue.take_due()();
    executors_.queue.run();
    EXPECT_EQ(third->error.message(), "server limit match.");
    executors_.run();
    EXPECT_TRUE(first->page);
    EXPECT_TRUE(second->page);
    EXPECT_FALSE(third->page);
}

TEST_F(SearchTest, AStoreThatCannotBeReadIsNoEmptyList) {
    publish("", "G", "a", "x");
    store_.broken = true;
    ConfigFilter filter;
    filter.content = LikePattern("*x*");
    EXPECT_EQ(find(filter).error.code(), spi::Code::kInternal);
    EXPECT_EQ(find({}, {}, Search::Contents::kRead).error.code(), spi::Code::kInternal);
}

TEST_F(SearchTest, APageThatIsTooLargeSaysWhatToDo) {
    for (int i = 0; i < 7; ++i) {
        publish("", "G", "d" + std::to_string(i), std::string(10 * 1024 * 1024, 'x'));
    }
    const Outcome refused = find({}, {1, 100}, Search::Contents::kRead);
    EXPECT_EQ(refused.error.code(), spi::Code::kTooLarge);
    EXPECT_THAT(refused.error.message(), ::testing::HasSubstr("pageSize"));
    EXPECT_EQ(find({}, {1, 3}, Search::Contents::kRead).names.size(), 3u);
}

TEST_F(SearchTest, StoppingRefusesWhatWaitsAndWhatComes) {
    ConfigFilter filter;
    filter.content = LikePattern("*x*");
    publish("", "G", "a", "x");
    const auto running = begin(filter);
    (void)begin(filter);
    const auto waiting = begin(filter);
    executors_.run();
    EXPECT_TRUE(waiting->page);
    search_.stop(1s);
    EXPECT_EQ(find({}).error.code(), spi::Code::kUnavailable);
}

}  // namespace
}  // namespace pharos::config
