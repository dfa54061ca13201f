#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/rpc.hpp>

#include "rpc/pushes.hpp"
#include "rpc/sharded_map.hpp"
#include "rpc/transport.hpp"

namespace pharos::rpc {

/// What the server knows of one connection, from opened() until nobody uses it any more.
///
/// Work for the connection happens between enter() and leave(). After end_begins() nobody enters, and exactly one
/// caller, the last to leave or the one that ended it, is told to finish the end: so no handler runs for a connection
/// whose end was told, and nobody ever waits for anybody. Any thread.
class Connection {
public:
    Connection(ConnectionNumber number, const Peer& peer, std::int64_t wall_ms, spi::Duration now);

    [[nodiscard]] bool enter() noexcept;
    /// True: the caller finishes the end.
    [[nodiscard]] bool leave() noexcept { return inside_.fetch_sub(1, std::memory_order_acq_rel) == (kEnding | 1); }
    /// True: the caller finishes the end. False: it has ended before, or somebody inside will finish.
    [[nodiscard]] bool end_begins() noexcept { return inside_.fetch_or(kEnding, std::memory_order_acq_rel) == 0; }
    [[nodiscard]] bool ending() const noexcept { return (inside_.load(std::memory_order_acquire) & kEnding) != 0; }

    /// What clients and operators see of it; null before publish(). Only called by the stream's thread.
    void publish(spi::ConnectionPtr info) noexcept;
    [[nodiscard]] const spi::ConnectionPtr& info() const noexcept;
    /// Unary calls are let in from now on: the observers know the connection.
    void admit() noexcept { phase_.store(Phase::kAdmitted, std::memory_order_release); }
    [[nodiscard]] bool admitted() const noexcept { return phase_.load(std::memory_order_acquire) == Phase::kAdmitted; }

    void touch(spi::Duration now) noexcept { last_active_.store(now.count(), std::memory_order_relaxed); }
    [[nodiscard]] spi::Duration last_active() const noexcept {
        return spi::Duration(last_active_.load(std::memory_order_relaxed));
    }

    const ConnectionNumber number;
    const Peer peer;
    const std::int64_t created_ms;  ///< wall clock
    const std::string id;           ///< "<epoch ms>_<ip>_<port>"
    PendingPushes pushes;
    std::atomic<bool> probed{false};                   ///< a ClientDetectionRequest is under way
    std::atomic<spi::Duration::rep> blocked_since{0};  ///< when its send queue became full; 0 = is not

private:
    enum class Phase : std::uint8_t { kOpened, kPublished, kAdmitted };
    static constexpr std::uint32_t kEnding = 0x80000000;

    std::atomic<std::uint32_t> inside_{0};
    std::atomic<Phase> phase_{Phase::kOpened};
    std::atomic<spi::Duration::rep> last_active_;
    spi::ConnectionPtr info_;
};

/// All connections by number, and how many are registered per module. Any thread.
class ConnectionTable {
public:
    /// Values of the label `module`; everything else counts as the last.
    static constexpr std::array<std::string_view, 5> kModules{"config", "naming", "lock", "ai", "unknown"};

    void add(std::shared_ptr<Connection> connection);
    void remove(const Connection& connection);
    [[nodiscard]] std::shared_ptr<Connection> find(ConnectionNumber number) const { return all_.find(number); }
    [[nodiscard]] std::vector<std::shared_ptr<Connection>> list() const;

    /// Counts a registered connection in (+1) and out (−1).
    void count(const spi::ConnectionInfo& info, int by) noexcept;
    [[nodiscard]] std::int64_t registered(std::size_t module) const noexcept {
        return counts_[module].load(std::memory_order_relaxed);
    }

private:
    ShardedMap<ConnectionNumber, Connection> all_;
    std::array<std::atomic<std::int64_t>, kModules.size()> counts_{};
};

}  // namespace pharos::rpc
