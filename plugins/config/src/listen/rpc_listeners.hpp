#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>

namespace pharos::config {

/// gRPC connections that listen to configs (`protocol/config.md §3.4–3.5, §6`). Any thread.
///
/// A change is told to every listener of the config, without content, in the client's own notation of the namespace;
/// each notation is encoded once, for all of its listeners and all changes.
/// What is not acked within 3 s is told again after 2, 4, 6 … s; after 50 tries the connection is closed. Only one
/// notification of a config is on its way to a connection; a change meanwhile sends one more afterwards.
class RpcListeners final : public spi::ConnectionObserver {
public:
    RpcListeners(spi::Executors& executors, spi::Connections& connections, spi::Metrics& metrics, spi::Log& log);

    /// One config as the client named it; `tenant` keeps whether it was absent.
    struct Name {
        std::string data_id;
        std::string group;
        std::optional<std::string> tenant;
    };
    /// `md5` is what the client has, for listening_to() and listened_by(). False: the connection has ended.
    bool add(spi::ConnectionNumber connection, const std::string& store_key, const Name& name, std::string_view md5);
    void remove(spi::ConnectionNumber connection, const std::string& store_key);
    /// How many configs the connection would listen to with these as well; 0 when it listens to all of them already.
    [[nodiscard]] std::size_t count_with(spi::ConnectionNumber connection, const std::vector<std::string>& store_keys);
    /// Tells every listener of the config. Not in the call.
    void notify(const std::string& store_key);

    /// Adds the clients that listen to a config, by their ip, and what a client listens to, by store key; each with the
    /// md5 that it had when it began to (`protocol/config.md §10` trap 17).
    void add_listeners_of(const std::string& store_key, std::map<std::string, std::string>& md5s);
    void add_listened_by(std::string_view ip, std::map<std::string, std::string>& md5s);

    void on_registered(const spi::ConnectionPtr& connection) noexcept override;
    void on_closed(const spi::ConnectionPtr& connection) noexcept override;

    /// Registered connections, whether they listen or not.
    [[nodiscard]] std::size_t connections() {
        std::lock_guard lock(connections_mutex_);
        return clients_.size();
    }
    /// Listened configs over all connections.
    [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
    /// No notification begins; waits for those on their way.
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

private:
    /// One connection listening to one config.
    struct Listener {
        Listener(spi::ConnectionPtr owner, std::string_view md5)
            : connection(std::move(owner)), md5_size(md5.copy(md5_text, sizeof md5_text)) {}

        [[nodiscard]] std::string md5() const { return {md5_text, md5_size}; }

        const spi::ConnectionPtr connection;
        char md5_text[32];  ///< what is longer is no md5
        const std::size_t md5_size;
        std::shared_ptr<const std::string> notification;  ///< set before others see the listener in its shard
        std::mutex mutex;                                 ///< guards what follows
        bool listening = true;
        bool on_its_way = false;
        bool again = false;
        int tries = 0;
    };
    using ListenerPtr = std::shared_ptr<Listener>;

    /// All listeners of one config, and what they are told: one text for each notation that clients use.
    struct Audience {
        std::vector<ListenerPtr> listeners;
        std::vector<std::shared_ptr<const std::string>> notifications;
    };

    static constexpr std::size_t kShards = 64;
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, Audience> configs;
    };

    [[nodiscard]] Shard& shard_of(const std::string& key) { return shards_[std::hash<std::string>{}(key) % kShards]; }
    void forget(const std::string& store_key, const ListenerPtr& listener);
    void offer(const ListenerPtr& listener);
    void send(const ListenerPtr& listener);
    void finish(const ListenerPtr& listener, const spi::Result<bool>& outcome);
    void retry(const ListenerPtr& listener);

    spi::Executors& executors_;
    spi::Connections& connections_;
    spi::Log& log_;
    spi::Counter& notified_;
    spi::Counter& failed_;
    std::array<Shard, kShards> shards_;
    std::mutex connections_mutex_;
    struct Client {
        spi::ConnectionPtr connection;
        std::map<std::string, ListenerPtr> configs;  ///< that it listens to, by store key
    };
    std::unordered_map<spi::ConnectionNumber, Client> clients_;
    std::atomic<std::size_t> size_{0};
    sdk::Gate gate_;
};

}  // namespace pharos::config
