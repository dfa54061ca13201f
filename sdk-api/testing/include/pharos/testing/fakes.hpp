#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/net.hpp>
#include <pharos/spi/rpc.hpp>
#include <pharos/spi/store.hpp>

/// Hand-driven stand-ins for what the kernel gives to plugins, so that tests need no threads, sockets or sleeping.
namespace pharos::testing {

/// Time that stands still until the test moves it.
class ManualClock final : public spi::Clock {
public:
    [[nodiscard]] spi::Duration steady() const noexcept override { return now; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return wall; }

    spi::Duration now = std::chrono::hours(1);
    std::int64_t wall = 1'795'402'384'190;
};

/// Keeps tasks until run() is called. Any thread may post.
class ManualExecutor final : public spi::Executor {
public:
    void post(spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    /// Runs all that is queued, and what that queues. Returns how many ran.
    std::size_t run() {
        std::size_t count = 0;
        for (;;) {
            spi::Task task;
            {
                std::lock_guard lock(mutex_);
                if (tasks_.empty()) {
                    return count;
                }
                task = std::move(tasks_.front());
                tasks_.pop_front();
            }
            task();
            ++count;
        }
    }

private:
    std::mutex mutex_;
    std::deque<spi::Task> tasks_;
};

/// Fires when FakeExecutors::advance() has moved the clock far enough.
class ManualTimers final : public spi::Timers {
public:
    explicit ManualTimers(ManualClock& clock) : clock_(clock) {}

    spi::TimerId after(spi::Duration delay, spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        const spi::TimerId id = ++last_;
        armed_.emplace(std::pair(clock_.now + delay, id), std::move(task));
        return id;
    }
    bool cancel(spi::TimerId timer) noexcept override {
        spi::Task dropped;  // and destroyed without the lock
        std::lock_guard lock(mutex_);
        const auto found = std::find_if(armed_.begin(), armed_.end(),
                                        [timer](const auto& entry) { return entry.first.second == timer; });
        if (found == armed_.end()) {
            return false;
        }
        dropped = std::move(found->second);
        armed_.erase(found);
        return true;
    }
    /// The earliest due task that is due by now, or nothing.
    spi::Task take_due() {
        std::lock_guard lock(mutex_);
        if (armed_.empty() || armed_.begin()->first.first > clock_.now) {
            return {};
        }
        spi::Task task = std::move(armed_.begin()->second);
        armed_.erase(armed_.begin());
        return task;
    }
    /// When the next timer is due; the given time when none is armed before it.
    [[nodiscard]] spi::Duration next_before(spi::Duration end) const {
        std::lock_guard lock(mutex_);
        return armed_.empty() ? end : std::min(end, armed_.begin()->first.first);
    }
    [[nodiscard]] std::size_t armed() const {
        std::lock_guard lock(mutex_);
        return armed_.size();
    }

private:
    ManualClock& clock_;
    mutable std::mutex mutex_;
    std::map<std::pair<spi::Duration, spi::TimerId>, spi::Task> armed_;
    spi::TimerId last_ = 0;
};

/// All of the kernel's executors in one queue, but for what may block.
class FakeExecutors final : public spi::Executors {
public:
    spi::Executor& work() noexcept override { return queue; }
    spi::Executor& block() noexcept override { return blocking; }
    spi::Executor& dedicated(std::string_view) noexcept override { return queue; }
    spi::Timers& timers() noexcept override { return timer_queue; }
    const spi::Clock& clock() noexcept override { return time; }

    /// Runs what is queued and what is due.
    void run() {
        drain();
        while (spi::Task task = timer_queue.take_due()) {
            task();
            drain();
        }
    }
    /// Moves both clocks on, firing timers at their times.
    void advance(spi::Duration by) {
        run();
        const spi::Duration end = time.now + by;
        while (time.now < end) {
            const spi::Duration next = std::max(time.now, timer_queue.next_before(end));
            time.wall += std::chrono::duration_cast<std::chrono::milliseconds>(next).count() -
                         std::chrono::duration_cast<std::chrono::milliseconds>(time.now).count();
            time.now = next;
            run();
        }
    }

    ManualClock time;
    ManualExecutor queue;
    ManualExecutor blocking;
    ManualTimers timer_queue{time};

private:
    void drain() {
        while (queue.run() + blocking.run() != 0) {
        }
    }
};

/// Real threads, for tests of races and of what waits for its own thread.
class ThreadPool final : public spi::Executor {
public:
    explicit ThreadPool(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            threads_.emplace_back([this] { work(); });
        }
    }
    ~ThreadPool() { finish(); }

    void post(spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
        wake_.notify_one();
    }
    /// Runs what is queued and ends the threads; later tasks never run.
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

private:
    void work() {
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
    std::vector<std::thread> threads_;
};

/// One pool of real threads for all of the kernel's executors; time still moves by hand.
class ThreadedExecutors final : public spi::Executors {
public:
    explicit ThreadedExecutors(std::size_t threads = 1) : pool(threads) {}

    spi::Executor& work() noexcept override { return pool; }
    spi::Executor& block() noexcept override { return pool; }
    spi::Executor& dedicated(std::string_view) noexcept override { return pool; }
    spi::Timers& timers() noexcept override { return timer_queue; }
    const spi::Clock& clock() noexcept override { return time; }

    /// Moves the clock on and fires, in the call, what is due. Not while another thread looks at the time.
    std::size_t advance(spi::Duration by) {
        time.now += by;
        time.wall += std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
        std::size_t fired = 0;
        for (; spi::Task task = timer_queue.take_due(); ++fired) {
            task();
        }
        return fired;
    }

    ManualClock time;
    ManualTimers timer_queue{time};
    ThreadPool pool;
};

/// Keeps pushes until the test answers them.
class FakeConnections final : public spi::Connections {
public:
    struct Push {
        spi::ConnectionNumber connection;
        std::string type;
        std::string members;
        spi::Completion<bool> done;
        std::shared_ptr<const void> owner;  ///< of the first piece
    };

    void push(spi::ConnectionNumber connection, const spi::RpcPush& push,
              spi::Completion<bool> done) noexcept override {
        std::string members;
        for (const spi::Piece& piece : push.members) {
            members += piece.text;
        }
        pushes.push_back({connection, std::string(push.type), std::move(members), std::move(done),
                          push.members.empty() ? nullptr : push.members.front().owner});
    }
    void close(spi::ConnectionNumber connection, std::string_view reason) noexcept override {
        closed.emplace_back(connection, reason);
    }
    [[nodiscard]] std::vector<spi::ConnectionPtr> list() const override { return registered; }
    [[nodiscard]] spi::ConnectionPtr find(spi::ConnectionNumber) const override { return nullptr; }
    [[nodiscard]] spi::Duration last_active(spi::ConnectionNumber) const noexcept override { return {}; }
    spi::Registration observe(spi::ConnectionObserver&) override { return {}; }

    /// Takes the oldest push and answers it.
    Push take() {
        Push push = std::move(pushes.front());
        pushes.pop_front();
        return push;
    }
    Push ack() {
        Push push = take();
        push.done(true);
        return push;
    }
    Push fail(spi::Code code) {
        Push push = take();
        push.done(spi::Status(code, "made to fail"));
        return push;
    }

    std::vector<spi::ConnectionPtr> registered;
    std::deque<Push> pushes;
    std::vector<std::pair<spi::ConnectionNumber, std::string>> closed;
};

/// A registered connection with this number.
inline spi::ConnectionPtr make_connection(spi::ConnectionNumber number) {
    auto info = std::make_shared<spi::ConnectionInfo>();
    info->number = number;
    info->id = "1795402384190_127.0.0.1_" + std::to_string(number);
    info->client_ip = "127.0.0.1";
    info->labels = {{"module", "naming"}};
    return info;
}

/// Keeps what a handler answers, in both protocols. Make one per request; responders point to it.
class Answer final : public spi::HttpExchange, public spi::RpcExchange {
public:
    [[nodiscard]] spi::HttpResponder http() { return spi::HttpResponder(this); }
    [[nodiscard]] spi::RpcResponder rpc() { return spi::RpcResponder(this); }

    void send(const spi::HttpReply& reply) noexcept override {
        ++sent;
        status = reply.status;
        type = reply.content_type;
        for (const spi::HttpHeader& header : reply.headers) {
            headers[std::string(header.name)] = header.value;
        }
        take(reply.body);
    }
    void send(std::string_view payload_type, spi::Pieces pieces) noexcept override {
        ++sent;
        type = payload_type;
        take(pieces);
    }
    void on_abandoned(spi::Task task) noexcept override { abandoned = std::move(task); }
    void release() noexcept override { abandoned.reset(); }

    /// Has the client go away.
    void abandon() {
        spi::Task task = std::move(abandoned);
        task();
    }

    int sent = 0;  ///< answers; more than one is a bug
    int status = 0;
    std::string type;  ///< content type or payload type
    std::string body;
    std::map<std::string, std::string> headers;
    spi::Task abandoned;

private:
    void take(spi::Pieces pieces) {
        body.clear();
        for (const spi::Piece& piece : pieces) {
            body += piece.text;
        }
    }
};

/// Keeps datagrams that are sent; the test receives them.
class FakeNet final : public spi::Net {
public:
    struct Sent {
        std::string ip;
        std::uint16_t port;
        std::string data;
    };

    spi::Result<std::unique_ptr<spi::UdpSocket>> open_udp(std::uint16_t, spi::UdpReceiver receiver) noexcept override {
        if (!failure) {
            return failure;
        }
        receiver_ = std::move(receiver);
        return std::unique_ptr<spi::UdpSocket>(std::make_unique<Socket>(*this));
    }

    /// Has a datagram arrive; nothing happens when no socket is open.
    void receive(std::string_view ip, std::uint16_t port, std::string_view data) {
        if (receiver_) {
            receiver_({ip, port, data});
        }
    }
    /// Takes the oldest datagram.
    Sent take() {
        Sent oldest = std::move(sent.front());
        sent.pop_front();
        return oldest;
    }

    void exchange(spi::TcpExchange exchange, spi::Completion<std::string> done) noexcept override {
        exchanges.push_back({std::move(exchange), std::move(done)});
    }
    void http_get(spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept override {
        http_calls.push_back({std::move(call), std::move(done)});
    }
    void resolve(std::string host, spi::Duration, spi::Completion<std::vector<std::string>> done) noexcept override {
        lookups.push_back({std::move(host), std::move(done)});
    }
    void resolve_srv(std::string name, spi::Duration,
                     spi::Completion<std::vector<spi::SrvRecord>> done) noexcept override {
        srv_lookups.push_back({std::move(name), std::move(done)});
    }

    /// What was asked for, with whom to tell; the test answers.
    template <class Asked, class Answer>
    struct Call {
        Asked asked;
        spi::Completion<Answer> done;
    };
    std::deque<Call<spi::TcpExchange, std::string>> exchanges;
    std::deque<Call<spi::HttpCall, spi::HttpAnswer>> http_calls;
    std::deque<Call<std::string, std::vector<std::string>>> lookups;
    std::deque<Call<std::string, std::vector<spi::SrvRecord>>> srv_lookups;

    std::deque<Sent> sent;
    spi::Status failure;  ///< of opening and of sending, unless it is ok

private:
    class Socket final : public spi::UdpSocket {
    public:
        explicit Socket(FakeNet& net) : net_(net) {}
        ~Socket() override { net_.receiver_.reset(); }
        spi::Status send_to(std::string_view ip, std::uint16_t port, spi::Pieces data) noexcept override {
            if (!net_.failure) {
                return net_.failure;
            }
            std::string text;
            for (const spi::Piece& piece : data) {
                text += piece.text;
            }
            net_.sent.push_back({std::string(ip), port, std::move(text)});
            return {};
        }
        [[nodiscard]] const std::string& bound_to() const noexcept override { return bound_to_; }

    private:
        FakeNet& net_;
        std::string bound_to_ = "127.0.0.1:40123";
    };

    spi::UdpReceiver receiver_;
};

class NullLog final : public spi::Log {
public:
    [[nodiscard]] bool enabled(spi::LogLevel) const noexcept override { return false; }

protected:
    void write(spi::LogLevel, std::string_view, const spi::LogField*, std::size_t) noexcept override {}
};

/// Counts, and shows nothing.
class FakeMetrics final : public spi::Metrics {
public:
    spi::Counter& counter(std::string_view name, std::string_view, const spi::Labels&) override {
        auto& slot = counters[std::string(name)];
        if (slot == nullptr) {
            slot = std::make_unique<spi::Counter>();
        }
        return *slot;
    }
    spi::Registration gauge(std::string_view, std::string_view, const spi::Labels&,
                            spi::UniqueFunction<double()>) override {
        return {};
    }

    std::map<std::string, std::unique_ptr<spi::Counter>> counters;
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
    spi::Registration watch(std::string prefix, spi::Revision,
                            spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher) noexcept override {
        watches_.push_back({std::move(prefix), std::move(watcher)});
        return spi::Registration([this, place = std::prev(watches_.end())] { watches_.erase(place); });
    }
    void barrier(spi::Completion<spi::Revision> done) noexcept override { done(revision); }
    [[nodiscard]] spi::Status readiness() const noexcept override { return failure; }

    void flush() {
        while (!queue_.empty()) {
            auto [commit, done] = std::move(queue_.front());
            queue_.pop_front();
            done(failure ? take(commit) : spi::Result<spi::Revision>(failure));
        }
    }

    bool manual = false;
    bool broken = false;  ///< gives no snapshots
    spi::Status failure;  ///< of every commit, unless it is ok
    Data data;
    spi::Revision revision = 0;

private:
    spi::Result<spi::Revision> take(const spi::StoreCommit& commit) {
        using Kind = spi::StoreCompare::Kind;
        for (const spi::StoreCompare& compare : commit.compares) {
            const auto found = data.find(compare.key);
            const bool there = found != data.end();
            if (compare.kind == Kind::kAbsent    ? there
                : compare.kind == Kind::kPresent ? !there
                                                 : !there || found->second.second != compare.revision) {
                return spi::Status(spi::Code::kConflict, "changed meanwhile");
            }
        }
        ++revision;
        for (const spi::StoreOp& op : commit.ops) {
            if (op.value) {
                data[op.key] = {*op.value, revision};
            } else {
                data.erase(op.key);
            }
        }
        for (Watch& watch : watches_) {
            std::vector<spi::StoreChange> changes;
            for (const spi::StoreOp& op : commit.ops) {
                if (op.key.starts_with(watch.prefix)) {
                    changes.push_back({op.key, op.value, revision});
                }
            }
            if (!changes.empty()) {
                watch.watcher(changes);
            }
        }
        return revision;
    }

    struct Watch {
        std::string prefix;
        spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher;
    };
    std::deque<std::pair<spi::StoreCommit, spi::Completion<spi::Revision>>> queue_;
    std::list<Watch> watches_;
};

}  // namespace pharos::testing
