// Several threads at once, for the thread sanitizer and for what is left behind afterwards.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <pharos/testing/fakes.hpp>

#include "listen/long_polls.hpp"
#include "listen/rpc_listeners.hpp"
#include "model/key.hpp"

namespace pharos::config {
namespace {

using namespace pharos::testing;

using namespace std::chrono_literals;

struct CountingExchange final : spi::HttpExchange {
    void send(const spi::HttpReply&) noexcept override { ++sent; }
    void on_abandoned(spi::Task) noexcept override {}
    void release() noexcept override {}
    std::atomic<int> sent{0};
};

TEST(LongPollRace, EveryPollIsAnsweredOnceAndNothingStays) {
    constexpr int kPolls = 2000;
    Index index;
    ThreadedExecutors executors(2);
    LongPolls polls(index, executors);
    std::vector<std::string> keys;
    std::vector<Listened> entries;
    for (int i = 0; i < 8; ++i) {
        entries.push_back({std::to_string(i), "G", "", ""});
        keys.push_back(make_key("", "G", entries.back().data_id).store_key());
    }
    std::vector<CountingExchange> exchanges(kPolls);
    std::atomic<bool> holding{true};
    std::thread changer([&] {
        for (std::size_t i = 0; holding || polls.held() > 0; ++i) {
            polls.wake(keys[i % keys.size()]);
        }
    });
    for (CountingExchange& exchange : exchanges) {
        polls.hold(entries, 30s, "127.0.0.1", "127.0.0.1", spi::HttpResponder(&exchange));
    }
    holding = false;
    changer.join();
    polls.stop(10s);
    executors.pool.finish();
    for (const CountingExchange& exchange : exchanges) {
        ASSERT_EQ(exchange.sent, 1);
    }
    EXPECT_EQ(polls.held(), 0u);
    EXPECT_EQ(executors.timer_queue.armed(), 0u);
}

class AckingConnections final : public spi::Connections {
public:
    void push(spi::ConnectionNumber, const spi::RpcPush&, spi::Completion<bool> done) noexcept override {
        ++pushes;
        done(true);
    }
    void close(spi::ConnectionNumber, std::string_view) noexcept override {}
    [[nodiscard]] std::vector<spi::ConnectionPtr> list() const override { return {}; }
    [[nodiscard]] spi::ConnectionPtr find(spi::ConnectionNumber) const override { return nullptr; }
    [[nodiscard]] spi::Duration last_active(spi::ConnectionNumber) const noexcept override { return {}; }
    spi::Registration observe(spi::ConnectionObserver&) override { return {}; }
    std::atomic<int> pushes{0};
};

TEST(RpcListenerRace, NothingStaysOfConnectionsThatEnd) {
    ThreadedExecutors executors(2);
    AckingConnections connections;
    FakeMetrics metrics;
    NullLog log;
    RpcListeners listeners(executors, connections, metrics, log);
    std::vector<std::thread> threads;
    std::vector<spi::ConnectionPtr> infos;
    for (spi::ConnectionNumber number = 1; number <= 3; ++number) {
        auto info = std::make_shared<spi::ConnectionInfo>();
        info->number = number;
        listeners.on_registered(info);
        infos.push_back(info);
    }
    listeners.add(1, "config/0", {"a", "G", ""}, "");
    listeners.notify("config/0");
    while (connections.pushes == 0) {
        std::this_thread::yield();
    }
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 3000; ++i) {
                const std::string key = "config/" + std::to_string(i % 5);
                listeners.add(1, key, {"a", "G", ""}, "");  // all on one connection
                if (i % 7 == 0) {
                    listeners.remove(1, key);
                }
                listeners.add(infos[static_cast<std::size_t>(t)]->number, key, {"a", "G", "public"}, "");
                if (i % 100 == t) {
                    listeners.notify(key);
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const spi::ConnectionPtr& info : infos) {
        listeners.on_closed(info);
    }
    listeners.stop(10s);
    executors.pool.finish();
    EXPECT_EQ(listeners.size(), 0u);
}

TEST(HotContentRace, ReadersAndReplacers) {
    Index index;
    HotContents hot(10'000);
    std::atomic<bool> running{true};
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t) {
        readers.emplace_back([&] {
            while (running) {
                if (const EntryPtr entry = index.find("config/public")) {
                    if (const auto content = HotContents::find(*entry)) {
                        ASSERT_EQ(content->size(), entry->content_size);
                    }
                }
            }
        });
    }
    for (spi::Revision revision = 1; revision <= 5000; ++revision) {
        ConfigRecord record;
        record.content = std::string(revision % 1000, 'c');
        const EntryPtr entry = make_entry(view_of(record), revision);
        hot.keep(entry, std::make_shared<const std::string>(record.content));
        index.apply("config/public", revision, entry);
    }
    running = false;
    for (std::thread& reader : readers) {
        reader.join();
    }
    EXPECT_LE(hot.bytes(), 10'000u);
}

}  // namespace
}  // namespace pharos::config
