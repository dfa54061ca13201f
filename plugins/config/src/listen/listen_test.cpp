#include <gmock/gmock.h>

#include <set>

#include <pharos/testing/fakes.hpp>

#include "listen/long_polls.hpp"
#include "listen/rpc_listeners.hpp"
#include "model/key.hpp"

namespace pharos::config {
namespace {

using namespace pharos::testing;

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class LongPollTest : public ::testing::Test {
protected:
    void set(std::string_view data_id, std::string md5) {
        ConfigRecord record;
        record.md5 = std::move(md5);
        const std::string key = make_key("", "G", data_id).store_key();
        ++revision_;
        index_.apply(key, revision_, make_entry(view_of(record), revision_));
    }
    void change(std::string_view data_id, std::string md5) {
        set(data_id, std::move(md5));
        polls_.wake(make_key("", "G", data_id).store_key());
        executors_.queue.run();
    }
    static std::vector<Listened> listens(std::string tenant = "") {
        return {{"a", "G", tenant, "1"}, {"b", "G", tenant, "1"}};
    }
    void SetUp() override {
        set("a", "1");
        set("b", "1");
    }

    Index index_;
    FakeExecutors executors_;
    LongPolls polls_{index_, executors_};
    spi::Revision revision_ = 0;
    Answer exchange_;
    Answer other_;
};

TEST_F(LongPollTest, ComparesMd5sAndKnowsAbsentOnes) {
    EXPECT_TRUE(polls_.changed(listens()).empty());
    const std::vector<Listened> entries = {
        {"a", "G", "", "0"}, {"b", "G", "public", ""}, {"none", "G", "", ""}, {"gone", "G", "", "1"}};
    const std::vector<const Listened*> changed = polls_.changed(entries);
    EXPECT_THAT(changed, ElementsAre(&entries[0], &entries[1], &entries[3]));
}

TEST_F(LongPollTest, AChangeAnswersWithItsConfigOnly) {
    polls_.hold(listens("public"), 29500ms, "127.0.0.1", "127.0.0.1", exchange_.http());
    EXPECT_EQ(polls_.held(), 1u);
    change("b", "2");
    EXPECT_EQ(exchange_.sent, 1);
    EXPECT_EQ(exchange_.status, 200);
    EXPECT_EQ(exchange_.body, "b%02G%02public%01\n");
    EXPECT_EQ(exchange_.headers["Pragma"], "no-cache");
    EXPECT_EQ(exchange_.headers["Expires"], "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(exchange_.headers["Cache-Control"], "no-cache,no-store");
    EXPECT_EQ(polls_.held(), 0u);
    EXPECT_EQ(executors_.timer_queue.armed(), 0u);
    change("a", "2");
    EXPECT_EQ(exchange_.sent, 1);
}

TEST_F(LongPollTest, OthersGoOnWaiting) {
    polls_.hold({{"a", "G", "", "1"}}, 30s, "127.0.0.1", "127.0.0.1", exchange_.http());
    polls_.hold({{"b", "G", "", "1"}}, 30s, "127.0.0.1", "127.0.0.1", other_.http());
    change("a", "2");
    EXPECT_EQ(exchange_.body, "a%02G%01\n");
    EXPECT_EQ(other_.sent, 0);
    EXPECT_EQ(polls_.held(), 1u);
    polls_.stop(1s);
}

TEST_F(LongPollTest, EndsEmptyAtItsTime) {
    polls_.hold(listens(), 29500ms, "127.0.0.1", "127.0.0.1", exchange_.http());
    executors_.advance(29499ms);
    EXPECT_EQ(exchange_.sent, 0);
    executors_.advance(1ms);
    EXPECT_EQ(exchange_.sent, 1);
    EXPECT_EQ(exchange_.status, 200);
    EXPECT_EQ(exchange_.body, "");
    EXPECT_EQ(polls_.held(), 0u);
}

TEST_F(LongPollTest, ComparesAgainAtTheDeadlineAndBeforeHolding) {
    polls_.hold(listens(), 10s, "127.0.0.1", "127.0.0.1", exchange_.http());
    set("a", "2");  // nobody woke it
    executors_.advance(10s);
    EXPECT_EQ(exchange_.body, "a%02G%01\n");
    polls_.hold(listens(), 10s, "127.0.0.1", "127.0.0.1", other_.http());
    EXPECT_EQ(other_.body, "a%02G%01\n");
    EXPECT_EQ(executors_.timer_queue.armed(), 0u);
    EXPECT_EQ(polls_.held(), 0u);
}

TEST_F(LongPollTest, AClientThatGoesIsForgotten) {
    polls_.hold(listens(), 30s, "127.0.0.1", "127.0.0.1", exchange_.http());
    exchange_.abandon();
    EXPECT_EQ(polls_.held(), 0u);
    EXPECT_EQ(executors_.timer_queue.armed(), 0u);
    polls_.wake(make_key("", "G", "a").store_key());
    EXPECT_EQ(executors_.queue.run(), 0u);
}

TEST_F(LongPollTest, StoppingAnswersAll) {
    polls_.hold(listens(), 30s, "127.0.0.1", "127.0.0.1", exchange_.http());
    polls_.stop(1s);
    EXPECT_EQ(exchange_.sent, 1);
    EXPECT_EQ(exchange_.body, "");
    EXPECT_EQ(executors_.timer_queue.armed(), 0u);
}

/// Wakes the poll from inside hold(), as another thread could.
class WakingTimers final : public spi::Timers {
public:
    explicit WakingTimers(spi::Task then) : then_(std::move(then)) {}
    spi::TimerId after(spi::Duration, spi::Task task) noexcept override {
        if (then_) {
            std::exchange(then_, nullptr)();
        }
        task_ = std::move(task);
        return 1;
    }
    bool cancel(spi::TimerId timer) noexcept override {
        const bool there = timer == 1 && static_cast<bool>(task_);
        task_.reset();
        return there;
    }
    [[nodiscard]] bool armed() const { return static_cast<bool>(task_); }

private:
    spi::Task then_;
    spi::Task task_;
};

class WakingExecutors final : public spi::Executors {
public:
    explicit WakingExecutors(spi::Task then) : waking(std::move(then)) {}
    spi::Executor& work() noexcept override { return pool; }
    spi::Executor& block() noexcept override { return pool; }
    spi::Executor& dedicated(std::string_view) noexcept override { return pool; }
    spi::Timers& timers() noexcept override { return waking; }
    const spi::Clock& clock() noexcept override { return time; }
    ManualExecutor pool;
    WakingTimers waking;
    ManualClock time;
};

TEST_F(LongPollTest, AWakeUpDuringHoldLeavesNothingBehind) {
    LongPolls* polls = nullptr;
    WakingExecutors* executors = nullptr;
    WakingExecutors waking([&] {
        polls->wake(make_key("", "G", "a").store_key());
        executors->pool.run();
    });
    LongPolls own(index_, waking);
    polls = &own;
    executors = &waking;
    own.hold(listens(), 30s, "127.0.0.1", "127.0.0.1", exchange_.http());
    EXPECT_EQ(exchange_.sent, 1);
    EXPECT_EQ(own.held(), 0u);
    EXPECT_FALSE(waking.waking.armed());
    own.wake(make_key("", "G", "b").store_key());
    EXPECT_EQ(waking.pool.run(), 0u);
}

class RpcListenerTest : public ::testing::Test {
protected:
    static constexpr const char* kKey = "config/public";

    void connect(spi::ConnectionNumber number) { listeners_.on_registered(info(number)); }
    void disconnect(spi::ConnectionNumber number) {
        listeners_.on_closed(info(number));
        executors_.queue.run();
    }
    static spi::ConnectionPtr info(spi::ConnectionNumber number) {
        auto made = std::make_shared<spi::ConnectionInfo>();
        made->number = number;
        return made;
    }
    void notify() {
        listeners_.notify(kKey);
        executors_.queue.run();
    }
    void SetUp() override {
        connect(1);
        connect(2);
    }
    void TearDown() override {
        while (!connections_.pushes.empty()) {
            connections_.fail(spi::Code::kClosed);
        }
    }

    FakeExecutors executors_;
    FakeConnections connections_;
    FakeMetrics metrics_;
    NullLog log_;
    RpcListeners listeners_{executors_, connections_, metrics_, log_};
};

TEST_F(RpcListenerTest, PushesInTheNotationOfEachListener) {
    connect(3);
    listeners_.add(1, kKey, {"g1", "G1", std::nullopt}, "");
    listeners_.add(2, kKey, {"g1", "G1", "public"}, "");
    listeners_.add(3, kKey, {"g1", "G1", ""}, "");
    EXPECT_EQ(listeners_.size(), 3u);
    notify();
    ASSERT_EQ(connections_.pushes.size(), 3u);
    const std::string plain = R"(ConfigChangeNotifyRequest "dataId":"g1","group":"G1","module":"config"})";
    std::map<spi::ConnectionNumber, std::string> sent;
    for (const auto& push : connections_.pushes) {
        sent[push.connection] = push.type + " " + push.members;
    }
    EXPECT_EQ(sent[1], plain);  // protocol/config.md §3.9
    EXPECT_EQ(sent[2], R"(ConfigChangeNotifyRequest "dataId":"g1","group":"G1","tenant":"public","module":"config"})");
    EXPECT_EQ(sent[3], plain);
}

TEST_F(RpcListenerTest, EncodesEachNotationOnce) {
    constexpr spi::ConnectionNumber kMany = 200;
    for (spi::ConnectionNumber number = 3; number <= kMany; ++number) {
        connect(number);
    }
    std::set<const void*> texts;
    for (int change = 0; change < 2; ++change) {
        for (spi::ConnectionNumber number = 1; number <= kMany && change == 0; ++number) {
            listeners_.add(number, kKey, {"a", "G", number % 2 == 0 ? "public" : ""}, "");
        }
        notify();
        ASSERT_EQ(connections_.pushes.size(), kMany);
        while (!connections_.pushes.empty()) {
            texts.insert(connections_.ack().owner.get());
        }
    }
    EXPECT_EQ(texts.size(), 2u);
    EXPECT_FALSE(texts.contains(nullptr));
}

TEST_F(RpcListenerTest, NotationsWithoutEndAreNotKeptButTold) {
    for (spi::ConnectionNumber number = 1; number <= 20; ++number) {
        connect(number);
        listeners_.add(number, kKey, {"a", "G", "public" + std::string(number, ' ')}, "");
    }
    notify();
    ASSERT_EQ(connections_.pushes.size(), 20u);
    for (const auto& push : connections_.pushes) {
        EXPECT_EQ(push.members, R"("dataId":"a","group":"G","tenant":"public)" + std::string(push.connection, ' ') +
                                    R"(","module":"config"})");
    }
}

TEST_F(RpcListenerTest, TellsNobodyElse) {
    listeners_.add(1, "config/other", {"o", "G", ""}, "");
    notify();
    EXPECT_TRUE(connections_.pushes.empty());
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    listeners_.remove(1, kKey);
    notify();
    EXPECT_TRUE(connections_.pushes.empty());
    EXPECT_EQ(listeners_.size(), 1u);
}

TEST_F(RpcListenerTest, RetriesLaterAndLaterThenCloses) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    notify();
    int pushes = 1;
    for (int tries = 1; connections_.closed.empty() && tries < 100; ++tries) {
        connections_.fail(spi::Code::kTimeout);
        if (!connections_.closed.empty()) {
            break;
        }
        executors_.advance(tries * 2s - 1ms);
        ASSERT_TRUE(connections_.pushes.empty()) << tries;
        executors_.advance(1ms);
        ASSERT_EQ(connections_.pushes.size(), 1u) << tries;
        ++pushes;
    }
    EXPECT_EQ(pushes, 50);
    EXPECT_THAT(connections_.closed, ElementsAre(Pair(1u, "takes no notification")));
}

TEST_F(RpcListenerTest, AnAckEndsTheRetries) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    notify();
    connections_.fail(spi::Code::kTimeout);
    executors_.advance(2s);
    ASSERT_EQ(connections_.pushes.size(), 1u);
    connections_.ack();
    executors_.advance(1000s);
    EXPECT_TRUE(connections_.pushes.empty());
}

TEST_F(RpcListenerTest, AChangeAfterTheAckIsToldAgain) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    notify();
    connections_.ack();
    notify();
    EXPECT_EQ(connections_.pushes.size(), 1u);
}

TEST_F(RpcListenerTest, AChangeBeforeTheAckIsNotLost) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    notify();
    notify();
    std::size_t told = 0;
    while (!connections_.pushes.empty()) {
        ++told;
        connections_.ack();
        executors_.queue.run();
    }
    EXPECT_EQ(told, 2u);
}

TEST_F(RpcListenerTest, AClosedConnectionIsNotTriedAgain) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    notify();
    connections_.fail(spi::Code::kClosed);
    executors_.advance(1000s);
    EXPECT_TRUE(connections_.pushes.empty());
    EXPECT_TRUE(connections_.closed.empty());
}

TEST_F(RpcListenerTest, ListeningEndsWithTheConnection) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    listeners_.add(2, kKey, {"a", "G", ""}, "");
    notify();
    connections_.fail(spi::Code::kTimeout);
    connections_.fail(spi::Code::kTimeout);
    disconnect(1);
    EXPECT_EQ(listeners_.size(), 1u);
    executors_.advance(2s);
    ASSERT_EQ(connections_.pushes.size(), 1u);
    EXPECT_EQ(connections_.pushes.front().connection, 2u);
    listeners_.add(1, kKey, {"late", "G", ""}, "");  // a request that came in while it ended
    EXPECT_EQ(listeners_.size(), 1u);
}

TEST_F(RpcListenerTest, ListeningTwiceIsOnce) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    listeners_.add(1, kKey, {"a", "G", "public"}, "");
    EXPECT_EQ(listeners_.size(), 1u);
    notify();
    ASSERT_EQ(connections_.pushes.size(), 1u);
    EXPECT_THAT(connections_.pushes.front().members, HasSubstr("\"tenant\":\"public\""));
}

TEST_F(RpcListenerTest, StoppedItPushesNothing) {
    listeners_.add(1, kKey, {"a", "G", ""}, "");
    listeners_.stop(1s);
    notify();
    EXPECT_TRUE(connections_.pushes.empty());
}

}  // namespace
}  // namespace pharos::config
