#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>

#include "model/config_key.hpp"

namespace pharos::config {

/// Which gRPC connection listens to which config, and the pushes that tell them (`protocol/config.md §3.4–3.5, §6`).
/// Any thread. Owned by shared_ptr: acks and retries under way keep it alive.
class RpcListeners final : public spi::ConnectionObserver, public std::enable_shared_from_this<RpcListeners> {
public:
    static constexpr int kMaxTries = 50;
    static constexpr spi::Duration kAckTime = std::chrono::seconds(3);
    static constexpr spi::Duration kRetryStep = std::chrono::seconds(2);

    RpcListeners(spi::Connections& connections, spi::Executors& executors, spi::Log& log, spi::Counter& notifies) noexcept
        : connections_(connections), executors_(executors), log_(log), notifies_(notifies) {}

    /// `blank`: the client wrote no namespace, so its pushes carry none.
    void add(spi::ConnectionNumber connection, const ConfigKey& key, bool blank);
    void remove(spi::ConnectionNumber connection, const ConfigKey& key);
    /// To be called after add(): takes back everything if the connection has ended meanwhile.
    void confirm(spi::ConnectionNumber connection);
    /// Tells who listens to this config. Returns at once; the work pool sends.
    void notify(const ConfigKey& key);
    /// Sends no more.
    void stop() noexcept { stopping_ = true; }

    [[nodiscard]] std::size_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

    void on_registered(const spi::ConnectionPtr&) noexcept override {}
    void on_closed(const spi::ConnectionPtr& connection) noexcept override;

private:
    static constexpr std::size_t kShards = 64;
    static constexpr std::size_t kSlice = 256;

    struct Listener {
        bool blank;
        std::uint64_t round;  ///< of the last change; a retry for an earlier one gives up
    };
    struct KeyShard {
        std::mutex mutex;
        std::unordered_map<std::string, std::unordered_map<spi::ConnectionNumber, Listener>> keys;
    };
    struct ConnectionShard {
        std::mutex mutex;
        std::unordered_map<spi::ConnectionNumber, std::unordered_set<std::string>> keys;
    };
    /// One change and what is sent for it.
    struct Round {
        std::string key;
        std::uint64_t number;
        std::shared_ptr<const std::string> plain;        ///< members without a tenant
        std::shared_ptr<const std::string> with_tenant;  ///< members with it
    };
    using RoundPtr = std::shared_ptr<const Round>;

    KeyShard& shard_of(const std::string& key) noexcept {
        return key_shards_[std::hash<std::string>()(key) >> 9 & (kShards - 1)];
    }
    ConnectionShard& shard_of(spi::ConnectionNumber number) noexcept { return connection_shards_[number & (kShards - 1)]; }
    void drop(spi::ConnectionNumber connection);
    void remove_from_key(spi::ConnectionNumber connection, const std::string& key);
    void push(const RoundPtr& round, spi::ConnectionNumber connection, bool blank, int tries);
    void retry(const RoundPtr& round, spi::ConnectionNumber connection, bool blank, int tries);
    bool is_current(const Round& round, spi::ConnectionNumber connection);

    spi::Connections& connections_;
    spi::Executors& executors_;
    spi::Log& log_;
    spi::Counter& notifies_;
    std::array<KeyShard, kShards> key_shards_;
    std::array<ConnectionShard, kShards> connection_shards_;
    std::atomic<std::size_t> count_{0};
    std::atomic<std::uint64_t> rounds_{0};
    std::atomic<bool> stopping_{false};
};

}  // namespace pharos::config
