#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>

#include "access/filter.hpp"
#include "access/limit.hpp"
#include "rpc/connection_table.hpp"
#include "rpc/payload_codec.hpp"
#include "rpc/pushes.hpp"
#include "rpc/transport.hpp"

namespace pharos::rpc {

struct ServerSettings {
    std::string server_ip;           ///< told in pushes
    std::uint16_t cluster_port = 0;  ///< local port of members' connections; 0 = there is none
    spi::Duration idle_check = std::chrono::seconds(3);
    spi::Duration idle_after = std::chrono::seconds(20);            ///< then a client is asked for a sign of life
    spi::Duration probe_timeout = std::chrono::seconds(5);          ///< how long it has for that
    spi::Duration blocked_limit = std::chrono::seconds(300);        ///< how long a send queue may be full
    std::size_t max_paced = 10'000;                                 ///< calls that wait because of a limit
    spi::Duration throttle_delay = std::chrono::seconds(1);         ///< answers with error 503 wait, so that clients do
    spi::Duration sweep_interval = std::chrono::milliseconds(100);  ///< grain of time-outs
};

/// The RPC server: handshake, order of checks of a unary call, pushes and their acks, liveness
/// (`protocol/core.md §1.3–1.7`). It knows payload types by registration only.
///
/// It has no threads: it runs on the transport's, on the timer thread and on those of its callers. No lock is held
/// while a handler runs; while observers hear, a shared one on their list is, so that removal waits for them.
class Server final : public spi::RpcMethods, public spi::Connections, private TransportEvents {
public:
    /// All references must outlive the server. The transport must not have been started.
    Server(spi::Executors& executors, spi::Metrics& metrics, spi::Log& log, const access::Filter& filter,
           Transport& transport, ServerSettings settings);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Has payload types, also later ones, and new connections ask it. It must outlive stop(). Null: nothing is
    /// limited. `other_clients` counts those that are connected but not here: held polls. Before start().
    void use(spi::LoadControl* control, std::function<std::size_t()> other_clients = nullptr);

    /// Takes connections from now on; they hear "starting" until set_ready(true).
    void start();
    void set_ready(bool ready) noexcept { ready_.store(ready, std::memory_order_release); }
    /// Closes all connections and ends all work. False: calls are still unanswered after `patience`.
    bool stop(spi::Duration patience) noexcept;

    spi::Result<spi::Registration> add(const spi::RpcMethod& method, spi::RpcHandler handler) override;
    spi::Registration ability(std::string_view key) override;

    void push(ConnectionNumber connection, const spi::RpcPush& push, spi::Completion<bool> done) noexcept override;
    void close(ConnectionNumber connection, std::string_view reason) noexcept override;
    [[nodiscard]] std::vector<spi::ConnectionPtr> list() const override;
    [[nodiscard]] spi::ConnectionPtr find(ConnectionNumber connection) const override;
    [[nodiscard]] spi::Duration last_active(ConnectionNumber connection) const noexcept override;
    spi::Registration observe(spi::ConnectionObserver& observer) override;

    /// All payload types with their access, by name.
    [[nodiscard]] std::vector<access::Entry> entries() const;

private:
    class Exchange;
    class Inside;

    struct Method {
        access::Entry entry;
        std::string response_type;
        spi::Access<spi::RpcRequest> access;  ///< its texts are the entry's
        spi::RpcHandler handler;
        spi::Counter& succeeded;
        spi::Counter& failed;
        sdk::Gate gate;  ///< calls are inside; removal waits for them
        access::Limit limit;
    };

    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };

    /// A call that was admitted and waits until it is handled.
    struct PacedCall {
        ConnectionNumber connection;
        UnaryCall* call;
        std::string frame;
    };

    struct DelayedReply {
        spi::Duration due;
        UnaryCall* call;
        std::string frame;
    };

    void opened(ConnectionNumber number, const Peer& peer) noexcept override;
    void unary(ConnectionNumber number, std::string_view frame, UnaryCall& call) noexcept override;
    void stream_opened(ConnectionNumber number) noexcept override;
    void stream_frame(ConnectionNumber number, std::string_view frame) noexcept override;
    void writable(ConnectionNumber number) noexcept override;
    void closed(ConnectionNumber number, std::string_view reason) noexcept override;

    /// `is_paced`: it has been counted, and has waited.
    void take(ConnectionNumber number, std::string_view frame, UnaryCall& call, bool is_paced) noexcept;
    void dispatch(const spi::ConnectionPtr& connection, bool admitted, const Payload& payload, std::string_view frame,
                  UnaryCall& call, bool is_paced);
    /// Has the call wait. False: too many do, or the server stops.
    bool pace(ConnectionNumber number, std::string_view frame, UnaryCall& call, spi::Duration delay);
    void end_pace(std::uint64_t id) noexcept;
    void end_all_paced() noexcept;
    void answer_check(const Connection& connection, UnaryCall& call);
    void refuse(UnaryCall& call, std::string_view type, int code, std::string_view message);
    void reply(UnaryCall& call, std::string_view type, spi::Pieces body);

    void set_up(Connection& connection, const Payload& payload);
    [[nodiscard]] spi::Status admit(const spi::ConnectionInfo& info);
    bool acknowledge_setup(const Connection& connection);
    void finish_end(Connection& connection) noexcept;

    void every(spi::Duration interval, spi::UniqueFunction<bool()> task);
    void arm_sweep() noexcept;
    void sweep() noexcept;
    void flush_delayed(spi::Duration now) noexcept;
    void check_liveness() noexcept;
    void probe(const std::shared_ptr<Connection>& connection) noexcept;

    [[nodiscard]] spi::Duration now() const noexcept { return clock_.steady(); }

    spi::Executors& executors_;
    spi::Timers& timers_;
    const spi::Clock& clock_;
    spi::Metrics& metrics_;
    spi::Log& log_;
    const access::Filter& filter_;
    Transport& transport_;
    const ServerSettings settings_;

    spi::Counter& refused_;
    spi::Counter& pushed_;
    spi::Counter& push_failures_;
    spi::Counter& push_timeouts_;

    ConnectionTable table_;
    mutable std::shared_mutex methods_mutex_;
    std::unordered_map<std::string, std::shared_ptr<Method>, TextHash, std::equal_to<>> methods_;
    std::shared_mutex observers_mutex_;
    std::vector<spi::ConnectionObserver*> observers_;
    std::mutex abilities_mutex_;
    std::multiset<std::string, std::less<>> abilities_;

    std::atomic<bool> ready_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> last_push_{0};
    std::atomic<std::uint64_t> checks_{0};  ///< ServerCheckRequests answered
    PushDeadlines deadlines_;
    std::mutex delayed_mutex_;
    std::vector<DelayedReply> delayed_;                   ///< in the order of their time, since all wait equally long
    std::unordered_map<std::uint64_t, PacedCall> paced_;  ///< guarded by delayed_mutex_, by a number of their own
    std::uint64_t last_paced_ = 0;
    std::atomic<spi::LoadControl*> control_{nullptr};
    std::function<std::size_t()> other_clients_;
    std::mutex setup_mutex_;    ///< none registers between another's check of the limit and its count
    access::Limit push_block_;  ///< counts pushes that found their queue full
    std::atomic<bool> sweeping_{false};
    /// Timer tasks hold it, so that one which fires late finds it closed.
    const std::shared_ptr<sdk::Gate> gate_ = std::make_shared<sdk::Gate>();
    std::vector<spi::Registration> own_;  ///< built-in methods and gauges; goes first
};

}  // namespace pharos::rpc
