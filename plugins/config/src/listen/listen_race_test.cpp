// Several threads at once, for the thread sanitizer and for what is left behind afterwards.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "listen/long_polls.hpp"
#include "listen/rpc_listeners.hpp"
#include "model/key.hpp"
#include "testing_fakes.hpp"

namespace pharos::config::testing {
namespace {

using namespace std::chrono_literals;

/// Two threads and timers that never fire.
class Pool final : public spi::Executors, private spi::Executor, private spi::Timers {
public:
    Pool() {
        for (std::thread& thread : threads_) {
            thread = std::thread([this] { run(); });
        }
    }
    ~Pool() { finish(); }
    void finish() {
        {
            std::lock_guard lock(mutex_);
            ended_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : threads_) {
            if (thread.joinable()) {
                thread.join();
            }
        }
    }
    [[nodiscard]] std::size_t armed() {
        std::lock_guard lock(mutex_);
        return timers_.size();
    }
    spi::Executor& work() noexcept override { return *this; }
    spi::Executor& block() noexcept override { return *this; }
    spi::Executor& dedicated(std::string_view) noexcept override { return *this; }
    spi::Timers& timers() noexcept override { return *this; }
    const spi::Clock& clock() noexcept override { return clock_; }

private:
    void post(spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
        wake_.notify_one();
    }
    spi::TimerId after(spi::Duration, spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        timers_.emplace(++last_, std::move(task));
        return last_;
    }
    bool cancel(spi::TimerId timer) noexcept override {
        spi::Task dropped;
        std::lock_guard lock(mutex_);
        const auto found = timers_.find(timer);
        if (found == timers_.end()) {
            return false;
        }
        dropped = std::move(found->second);
        timers_.erase(found);
        return true;
    }
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return ended_ || !tasks_.empty(); });
            if (tasks_.empty()) {
                return;
            }
            spi::Task task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
            task.reset();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<spi::Task> tasks_;
    std::map<spi::TimerId, spi::Task> timers_;
    spi::TimerId last_ = 0;
    bool ended_ = false;
    HandClock clock_;
    std::thread threads_[2];
};

struct CountingExchange final : spi::HttpExchange {
    void send(const spi::HttpReply&) noexcept override { ++sent; }
    void on_abandoned(spi::Task) noexcept override {}
    void release() noexcept override {}
    std::atomic<int> sent{0};
};

TEST(LongPollRace, EveryPollIsAnsweredOnceAndNothingStays) {
    constexpr int kPolls = 2000;
    Index index;
    Pool pool;
    LongPolls polls(index, pool);
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
        polls.hold(entries, 30s, spi::HttpResponder(&exchange));
    }
    holding = false;
    changer.join();
    polls.stop(10s);
    pool.finish();
    for (const CountingExchange& exchange : exchanges) {
        ASSERT_EQ(exchange.sent, 1);
    }
    EXPECT_EQ(polls.held(), 0u);
    EXPECT_EQ(pool.armed(), 0u);
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
    spi::Registration observe(spi::ConnectionObserver&) override { return {}; }
    std::atomic<int> pushes{0};
};

TEST(RpcListenerRace, NothingStaysOfConnectionsThatEnd) {
    Pool pool;
    AckingConnections connections;
    Counters metrics;
    NoLog log;
    RpcListeners listeners(pool, connections, metrics, log);
    std::vector<std::thread> threads;
    std::vector<spi::ConnectionPtr> infos;
    for (spi::ConnectionNumber number = 1; number <= 3; ++number) {
        auto info = std::make_shared<spi::ConnectionInfo>();
        info->number = number;
        listeners.on_registered(info);
        infos.push_back(info);
    }
    listeners.add(1, "config/0", {"a", "G", ""});
    listeners.notify("config/0");
    while (connections.pushes == 0) {
        std::this_thread::yield();
    }
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 3000; ++i) {
                const std::string key = "config/" + std::to_string(i % 5);
                listeners.add(1, key, {"a", "G", ""});  // all on one connection
                if (i % 7 == 0) {
                    listeners.remove(1, key);
                }
                listeners.add(infos[static_cast<std::size_t>(t)]->number, key, {"a", "G", "public"});
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
    pool.finish();
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
        const EntryPtr entry = make_entry(record, revision);
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
}  // namespace pharos::config::testing
