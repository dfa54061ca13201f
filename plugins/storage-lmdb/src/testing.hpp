#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <stdlib.h>

#include "kv_store.hpp"
#include "local_store.hpp"
#include "writer.hpp"

namespace pharos::storage_lmdb::testing {

/// One thread.
class ThreadExecutor final : public spi::Executor {
public:
    ThreadExecutor() : thread_([this] { run(); }) {}
    ~ThreadExecutor() {
        {
            std::lock_guard lock(mutex_);
            ended_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }
    void post(spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
        wake_.notify_one();
    }

private:
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
    bool ended_ = false;
    std::thread thread_;
};

/// Timers that fire when told to.
class ManualTimers final : public spi::Timers {
public:
    spi::TimerId after(spi::Duration, spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        tasks_.emplace_back(++last_, std::move(task));
        return last_;
    }
    bool cancel(spi::TimerId timer) noexcept override {
        std::lock_guard lock(mutex_);
        return std::erase_if(tasks_, [&](const auto& entry) { return entry.first == timer; }) > 0;
    }
    std::size_t fire() {
        std::vector<std::pair<spi::TimerId, spi::Task>> due;
        {
            std::lock_guard lock(mutex_);
            due.swap(tasks_);
        }
        for (auto& entry : due) {
            entry.second();
        }
        return due.size();
    }

private:
    std::mutex mutex_;
    std::vector<std::pair<spi::TimerId, spi::Task>> tasks_;
    spi::TimerId last_ = 0;
};

class FixedClock final : public spi::Clock {
public:
    [[nodiscard]] spi::Duration steady() const noexcept override { return {}; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return 0; }
};

/// One thread for everything.
class OneThread final : public spi::Executors {
public:
    spi::Executor& work() noexcept override { return thread; }
    spi::Executor& block() noexcept override { return thread; }
    spi::Executor& dedicated(std::string_view) noexcept override { return thread; }
    spi::Timers& timers() noexcept override { return manual_timers; }
    const spi::Clock& clock() noexcept override { return fixed_clock; }

    ManualTimers manual_timers;
    FixedClock fixed_clock;
    ThreadExecutor thread;
};

class Counters final : public spi::Metrics {
public:
    spi::Counter& counter(std::string_view name, std::string_view, const spi::Labels&) override {
        return counters[std::string(name)];
    }
    spi::Registration gauge(std::string_view, std::string_view, const spi::Labels&,
                            spi::UniqueFunction<double()>) override {
        return {};
    }

    std::map<std::string, spi::Counter> counters;
};

/// A folder of its own, removed at the end.
class TempFolder {
public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "pharos-store-XXXXXX").string();
        path_ = mkdtemp(pattern.data()) == nullptr ? "" : pattern;
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string store() const { return path_ + "/store"; }

private:
    std::string path_;
};

/// Both stores on a folder, as the plugin opens them.
class OpenStore {
public:
    explicit OpenStore(const std::string& folder, std::uint64_t map_bytes = std::uint64_t{1} << 30,
                       std::uint64_t max_bytes = std::uint64_t{512} << 20) {
        auto opened = Environment::open({.directory = folder, .map_bytes = map_bytes, .max_bytes = max_bytes});
        if (!opened) {
            status = opened.error();
            return;
        }
        environment = std::move(opened.value());
        writer.emplace(*environment, executors, metrics);
        kv_store.emplace(*environment, *writer);
        local_store.emplace(*environment, *writer);
    }
    ~OpenStore() {
        if (writer) {
            writer->stop(std::chrono::seconds(30));
        }
    }
    OpenStore(const OpenStore&) = delete;
    OpenStore& operator=(const OpenStore&) = delete;

    [[nodiscard]] spi::Store& store() { return *local_store; }
    [[nodiscard]] spi::KvStore& kv() { return *kv_store; }

    spi::Status status;
    Counters metrics;
    OneThread executors;
    std::unique_ptr<Environment> environment;
    std::optional<Writer> writer;
    std::optional<LmdbKvStore> kv_store;
    std::optional<LocalStore> local_store;
};

inline spi::Result<spi::Revision> commit_now(spi::Store& store, spi::StoreCommit commit) {
    auto done = std::make_shared<std::promise<spi::Result<spi::Revision>>>();
    auto future = done->get_future();
    store.commit(std::move(commit), [done](spi::Result<spi::Revision> result) { done->set_value(std::move(result)); });
    return future.get();
}

inline spi::Result<bool> write_now(spi::KvStore& store, spi::KvBatch batch) {
    auto done = std::make_shared<std::promise<spi::Result<bool>>>();
    auto future = done->get_future();
    store.write(std::move(batch), spi::Durability::kDurable,
                [done](spi::Result<bool> result) { done->set_value(std::move(result)); });
    return future.get();
}

inline spi::StoreCommit put(std::string key, std::string value) {
    spi::StoreCommit commit;
    commit.ops.push_back({std::move(key), std::move(value)});
    return commit;
}

}  // namespace pharos::storage_lmdb::testing
