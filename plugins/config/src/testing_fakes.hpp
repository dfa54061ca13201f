#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>
#include <pharos/spi/store.hpp>

namespace pharos::config::testing {

/// Tasks wait until run() is called.
class QueueExecutor final : public spi::Executor {
public:
    void post(spi::Task task) noexcept override { tasks_.push_back(std::move(task)); }
    std::size_t run() {
        std::size_t count = 0;
        for (; !tasks_.empty(); ++count) {
            spi::Task task = std::move(tasks_.front());
            tasks_.pop_front();
            task();
        }
        return count;
    }

private:
    std::deque<spi::Task> tasks_;
};

/// Time moves by advance() only; due timers run in it.
class HandClock final : public spi::Clock, public spi::Timers {
public:
    [[nodiscard]] spi::Duration steady() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override {
        return 1'700'000'000'000 + std::chrono::duration_cast<std::chrono::milliseconds>(now_).count();
    }
    spi::TimerId after(spi::Duration delay, spi::Task task) noexcept override {
        timers_.emplace(++last_, Timer{now_ + delay, std::move(task)});
        return last_;
    }
    bool cancel(spi::TimerId timer) noexcept override { return timers_.erase(timer) > 0; }
    void advance(spi::Duration by) {
        now_ += by;
        for (auto at = timers_.begin(); at != timers_.end();) {
            if (at->second.due > now_) {
                ++at;
                continue;
            }
            spi::Task task = std::move(at->second.task);
            timers_.erase(at);
            task();
            at = timers_.begin();
        }
    }
    [[nodiscard]] std::size_t pending() const { return timers_.size(); }

private:
    struct Timer {
        spi::Duration due;
        spi::Task task;
    };
    spi::Duration now_{};
    std::map<spi::TimerId, Timer> timers_;
    spi::TimerId last_ = 0;
};

class HandExecutors final : public spi::Executors {
public:
    spi::Executor& work() noexcept override { return work_pool; }
    spi::Executor& block() noexcept override { return block_pool; }
    spi::Executor& dedicated(std::string_view) noexcept override { return work_pool; }
    spi::Timers& timers() noexcept override { return time; }
    const spi::Clock& clock() noexcept override { return time; }
    void advance(spi::Duration by) {
        time.advance(by);
        work_pool.run();
    }

    QueueExecutor work_pool;
    QueueExecutor block_pool;
    HandClock time;
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

class NoLog final : public spi::Log {
public:
    [[nodiscard]] bool enabled(spi::LogLevel) const noexcept override { return false; }

protected:
    void write(spi::LogLevel, std::string_view, const spi::LogField*, std::size_t) noexcept override {}
};

inline std::string joined(spi::Pieces pieces) {
    std::string text;
    for (const spi::Piece& piece : pieces) {
        text += piece.text;
    }
    return text;
}

/// What became of one HTTP request.
struct FakeExchange final : spi::HttpExchange {
    void send(const spi::HttpReply& reply) noexcept override {
        ++sent;
        status = reply.status;
        content_type = reply.content_type;
        body = joined(reply.body);
        for (const spi::HttpHeader& header : reply.headers) {
            headers[std::string(header.name)] = header.value;
        }
        abandoned.reset();
    }
    void on_abandoned(spi::Task task) noexcept override { abandoned = std::move(task); }
    void release() noexcept override {}
    void abandon() {
        spi::Task task = std::move(abandoned);
        task();
    }

    int sent = 0;
    int status = 0;
    std::string content_type;
    std::string body;
    std::map<std::string, std::string> headers;
    spi::Task abandoned;
};

struct FakeRpcExchange final : spi::RpcExchange {
    void send(std::string_view sent_type, spi::Pieces pieces) noexcept override {
        type = sent_type;
        body = joined(pieces);
    }
    void release() noexcept override {}
    std::string type;
    std::string body;
};

/// Connections whose acks are given by hand.
class FakeConnections final : public spi::Connections {
public:
    struct Push {
        spi::ConnectionNumber connection;
        std::string members;
        spi::Completion<bool> done;
    };

    void push(spi::ConnectionNumber connection, const spi::RpcPush& push, spi::Completion<bool> done) noexcept override {
        pushes.push_back({connection, std::string(push.type) + " " + joined(push.members), std::move(done)});
    }
    void close(spi::ConnectionNumber connection, std::string_view) noexcept override { closed.push_back(connection); }
    [[nodiscard]] std::vector<spi::ConnectionPtr> list() const override { return {}; }
    [[nodiscard]] spi::ConnectionPtr find(spi::ConnectionNumber) const override { return nullptr; }
    spi::Registration observe(spi::ConnectionObserver&) override { return {}; }

    /// Ends the oldest push that is under way.
    void answer(spi::Result<bool> outcome) {
        Push push = std::move(pushes.front());
        pushes.pop_front();
        push.done(std::move(outcome));
    }

    std::deque<Push> pushes;
    std::vector<spi::ConnectionNumber> closed;
};

/// A store in memory. Commits wait for flush() when `manual` is set.
class MemoryStore final : public spi::Store {
public:
    using Data = std::map<std::string, std::pair<std::string, spi::Revision>, std::less<>>;

    class Snapshot final : public spi::StoreSnapshot {
    public:
        Snapshot(Data data, spi::Revision revision) : data_(std::move(data)), revision_(revision) {}
        [[nodiscard]] spi::Revision revision() const noexcept override { return revision_; }
        [[nodiscard]] std::optional<spi::StoreValue> get(std::string_view key) const noexcept override {
            const auto found = data_.find(key);
            return found == data_.end() ? std::nullopt
                                        : std::optional(spi::StoreValue{found->second.first, found->second.second});
        }
        void scan(std::string_view prefix, std::string_view from,
                  spi::UniqueFunction<bool(std::string_view, const spi::StoreValue&)> each) const override {
            for (auto at = data_.lower_bound(std::max(prefix, from)); at != data_.end(); ++at) {
                if (!at->first.starts_with(prefix) || !each(at->first, {at->second.first, at->second.second})) {
                    return;
                }
            }
        }

    private:
        Data data_;
        spi::Revision revision_;
    };

    [[nodiscard]] std::unique_ptr<spi::StoreSnapshot> snapshot() const noexcept override {
        return broken ? nullptr : std::make_unique<Snapshot>(data, revision);
    }
    void commit(spi::StoreCommit commit, spi::Completion<spi::Revision> done) noexcept override {
        queue_.emplace_back(std::move(commit), std::move(done));
        if (!manual) {
            flush();
        }
    }
    spi::Registration watch(std::string, spi::Revision,
                            spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher) noexcept override {
        watcher_ = std::move(watcher);
        return spi::Registration([this] { watcher_.reset(); });
    }
    void barrier(spi::Completion<spi::Revision> done) noexcept override { done(revision); }

    void flush() {
        while (!queue_.empty()) {
            auto [commit, done] = std::move(queue_.front());
            queue_.pop_front();
            done(take(commit));
        }
    }

    bool manual = false;
    bool broken = false;
    Data data;
    spi::Revision revision = 0;

private:
    spi::Result<spi::Revision> take(const spi::StoreCommit& commit) {
        using Kind = spi::StoreCompare::Kind;
        for (const spi::StoreCompare& compare : commit.compares) {
            const auto found = data.find(compare.key);
            const bool there = found != data.end();
            if (compare.kind == Kind::kAbsent ? there
                : compare.kind == Kind::kPresent
                    ? !there
                    : !there || found->second.second != compare.revision) {
                return spi::Status(spi::Code::kConflict, "changed meanwhile");
            }
        }
        ++revision;
        std::vector<spi::StoreChange> changes;
        for (const spi::StoreOp& op : commit.ops) {
            if (op.value) {
                data[op.key] = {*op.value, revision};
                changes.push_back({op.key, *op.value, revision});
            } else {
                data.erase(op.key);
                changes.push_back({op.key, std::nullopt, revision});
            }
        }
        if (watcher_) {
            watcher_(changes);
        }
        return revision;
    }

    std::deque<std::pair<spi::StoreCommit, spi::Completion<spi::Revision>>> queue_;
    spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher_;
};

}  // namespace pharos::config::testing
