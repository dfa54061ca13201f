#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/auth.hpp>

#include "rpc/memory_transport.hpp"
#include "rpc/payload_codec.hpp"
#include "rpc/server.hpp"

/// What the unit tests of this folder share: hand-driven time, and a server over the memory transport.
namespace pharos::rpc::test {

/// Executors whose time goes on only by advance(), which also runs what is posted to the pools.
class ManualExecutors final : public spi::Executors, private spi::Executor, private spi::Timers, private spi::Clock {
public:
    spi::Executor& work() noexcept override { return *this; }
    spi::Executor& block() noexcept override { return *this; }
    spi::Executor& dedicated(std::string_view) noexcept override { return *this; }
    spi::Timers& timers() noexcept override { return *this; }
    const spi::Clock& clock() noexcept override { return *this; }

    /// Fires what becomes due, in order.
    void advance(spi::Duration by) {
        const spi::Duration until = steady() + by;
        for (;;) {
            spi::Task task;
            {
                const std::lock_guard lock(mutex_);
                if (timers_.empty() || timers_.begin()->first > until) {
                    break;
                }
                now_ = std::max(now_.load(), timers_.begin()->first);
                task = std::move(timers_.begin()->second);
                timers_.erase(timers_.begin());
            }
            task();
            run_posted();
        }
        now_ = until;
        run_posted();
    }

private:
    void post(spi::Task task) noexcept override {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(task));
    }
    void run_posted() {
        for (;;) {
            spi::Task task;
            {
                const std::lock_guard lock(mutex_);
                if (posted_.empty()) {
                    return;
                }
                task = std::move(posted_.front());
                posted_.pop_front();
            }
            task();
        }
    }
    spi::TimerId after(spi::Duration delay, spi::Task task) noexcept override {
        const std::lock_guard lock(mutex_);
        timers_.emplace(steady() + delay, std::move(task));
        return 1;
    }
    bool cancel(spi::TimerId) noexcept override { return false; }
    [[nodiscard]] spi::Duration steady() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override {
        return 1700000000000 + steady() / std::chrono::milliseconds(1);
    }

    std::atomic<spi::Duration> now_{std::chrono::seconds(1000)};
    std::mutex mutex_;
    std::multimap<spi::Duration, spi::Task> timers_;
    std::deque<spi::Task> posted_;
};

class TestMetrics final : public spi::Metrics {
public:
    spi::Counter& counter(std::string_view name, std::string_view, const spi::Labels& labels) override {
        return counters_[key(name, labels)];
    }
    spi::Registration gauge(std::string_view name, std::string_view, const spi::Labels& labels,
                            spi::UniqueFunction<double()> read) override {
        gauges_[key(name, labels)] = std::move(read);
        return spi::Registration([this, name = key(name, labels)] { gauges_.erase(name); });
    }
    std::uint64_t count(const std::string& name) { return counters_[name].value(); }
    double read(const std::string& name) { return gauges_.at(name)(); }

private:
    static std::string key(std::string_view name, const spi::Labels& labels) {
        std::string key(name);
        for (const auto& [label, value] : labels) {
            key += ' ' + label + '=' + value;
        }
        return key;
    }
    std::map<std::string, spi::Counter> counters_;
    std::map<std::string, spi::UniqueFunction<double()>> gauges_;
};

class SilentLog final : public spi::Log {
public:
    [[nodiscard]] bool enabled(spi::LogLevel) const noexcept override { return false; }

private:
    void write(spi::LogLevel, std::string_view, const spi::LogField*, std::size_t) noexcept override {}
};

inline std::string frame(std::string_view type, std::string_view body, std::string_view client_ip = "10.9.8.7") {
    return encode_head(type, client_ip, body, 0);
}

/// "Type body" of a frame.
inline std::string shown(std::string_view bytes) {
    Payload payload;
    return decode(bytes, payload) ? std::string(payload.type) + ' ' + std::string(payload.body) : "unreadable";
}

inline std::string error(int code, std::string_view message, std::string_view type = "ErrorResponse") {
    return std::string(type) + R"( {"resultCode":500,"errorCode":)" + std::to_string(code) + R"(,"message":")" +
           std::string(message) + R"(","success":false})";
}

/// Keeps what observers hear, as "+id" and "-id".
class Recorder final : public spi::ConnectionObserver {
public:
    void on_registered(const spi::ConnectionPtr& connection) noexcept override { note('+', *connection); }
    void on_closed(const spi::ConnectionPtr& connection) noexcept override { note('-', *connection); }
    std::vector<std::string> heard() {
        const std::lock_guard lock(mutex_);
        return heard_;
    }

private:
    void note(char sign, const spi::ConnectionInfo& info) {
        const std::lock_guard lock(mutex_);
        heard_.push_back(sign + std::to_string(info.number));
    }
    std::mutex mutex_;
    std::vector<std::string> heard_;
};

struct Fixture {
    static constexpr std::uint16_t kSdkPort = 9848;
    static constexpr std::uint16_t kClusterPort = 9849;

    explicit Fixture(bool ready = true) {
        server.start();
        server.set_ready(ready);
    }

    ConnectionNumber connect(std::uint16_t local_port = kSdkPort) {
        return transport.connect({"10.1.1.1", static_cast<std::uint16_t>(++last_port), local_port});
    }
    /// Connects and registers.
    ConnectionNumber join(std::string_view setup = R"({"clientVersion":"test","labels":{"module":"naming"}})") {
        const ConnectionNumber number = connect();
        transport.open_stream(number);
        transport.stream(number, frame("ConnectionSetupRequest", setup));
        return number;
    }
    std::string call(ConnectionNumber number, std::string_view type, std::string_view body = "{}") {
        return shown(transport.call(number, frame(type, body)));
    }
    /// A handler that answers {"resultCode":200}.
    spi::Registration add(std::string_view type, std::string_view anonymous_because = "") {
        spi::RpcMethod method{type, "EchoResponse", {spi::Action::kRead, "test"}};
        method.access.anonymous_because = anonymous_because;
        auto added = server.add(method, [](const spi::RpcRequest& request, spi::RpcResponder responder) {
            const spi::Piece pieces[] = {R"({"resultCode":200,"echo":)", request.body, "}"};
            responder.send("EchoResponse", pieces);
        });
        return std::move(added.value());
    }

    ManualExecutors executors;
    TestMetrics metrics;
    SilentLog log;
    access::Filter filter;
    MemoryTransport transport;
    int last_port = 40000;

private:
    // On the heap: its tables have cache lines of their own, which gcc does not align in what the address sanitizer
    // makes of the stack.
    const std::unique_ptr<Server> owned_server_ =
        std::make_unique<Server>(executors, metrics, log, filter, transport,
                                 ServerSettings{.server_ip = "10.0.0.1", .cluster_port = kClusterPort});

public:
    Server& server = *owned_server_;
};

}  // namespace pharos::rpc::test
