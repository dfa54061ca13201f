#include "listen/rpc_listeners.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::config {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSlice = 64;
constexpr int kMaxTries = 50;
constexpr spi::Duration kAckTimeout = 3s;
constexpr spi::Duration kRetryStep = 2s;
/// Notations of one config that are shared; whoever has another one gets a text of its own.
constexpr std::size_t kSharedNotations = 8;

/// What a listener that calls the config so is told: the members of the push.
std::string encode_notification(const RpcListeners::Name& name) {
    std::string members = R"("dataId":)";
    sdk::JsonWriter::append_quoted(members, name.data_id);
    members += R"(,"group":)";
    sdk::JsonWriter::append_quoted(members, name.group);
    // Blank is left out, as the client left it out (protocol/config.md §3.5).
    if (name.tenant && !name.tenant->empty()) {
        members += R"(,"tenant":)";
        sdk::JsonWriter::append_quoted(members, *name.tenant);
    }
    members += R"(,"module":"config"})";
    return members;
}

/// The same text as others have, if there is one.
std::shared_ptr<const std::string> share(std::vector<std::shared_ptr<const std::string>>& shared, std::string text) {
    const auto found = std::find_if(shared.begin(), shared.end(), [&](const auto& known) { return *known == text; });
    if (found != shared.end()) {
        return *found;
    }
    auto own = std::make_shared<const std::string>(std::move(text));
    if (shared.size() < kSharedNotations) {
        shared.push_back(own);
    }
    return own;
}

}  // namespace

RpcListeners::RpcListeners(spi::Executors& executors, spi::Connections& connections, spi::Metrics& metrics,
                           spi::Log& log)
    : executors_(executors),
      connections_(connections),
      log_(log),
      notified_(metrics.counter("pharos_config_notifies_total", "Notifications that clients have acknowledged.")),
      failed_(
          metrics.counter("pharos_config_notify_failures_total", "Notifications that failed and were tried again.")) {}

void RpcListeners::on_registered(const spi::ConnectionPtr& connection) noexcept {
    std::lock_guard lock(connections_mutex_);
    clients_[connection->number].connection = connection;
}

void RpcListeners::on_closed(const spi::ConnectionPtr& connection) noexcept {
    std::map<std::string, ListenerPtr> listened;
    {
        std::lock_guard lock(connections_mutex_);
        const auto found = clients_.find(connection->number);
        if (found == clients_.end()) {
            return;
        }
        listened = std::move(found->second.configs);
        clients_.erase(found);
    }
    for (const auto& [key, listener] : listened) {
        forget(key, listener);
    }
}

bool RpcListeners::add(spi::ConnectionNumber connection, const std::string& store_key, const Name& name,
                       std::string_view md5) {
    ListenerPtr listener;
    std::string notification = encode_notification(name);
    ListenerPtr former;
    {
        std::lock_guard lock(connections_mutex_);
        const auto found = clients_.find(connection);
        if (found == clients_.end()) {
            return false;
        }
        listener = std::make_shared<Listener>(found->second.connection, md5);
        former = std::exchange(found->second.configs[store_key], listener);
    }
    {
        Shard& shard = shard_of(store_key);
        std::lock_guard lock(shard.mutex);
        Audience& audience = shard.configs[store_key];
        listener->notification = share(audience.notifications, std::move(notification));
        audience.listeners.push_back(listener);
    }
    size_.fetch_add(1, std::memory_order_relaxed);
    if (former != nullptr) {
        forget(store_key, former);
    }
    // The connection may have ended, or the listener been replaced, before it was in its shard: then nobody else takes
    // it out.
    bool ended = false;
    bool current = false;
    {
        std::lock_guard lock(connections_mutex_);
        const auto found = clients_.find(connection);
        ended = found == clients_.end();
        if (!ended) {
            const auto place = found->second.configs.find(store_key);
            current = place != found->second.configs.end() && place->second == listener;
        }
    }
    if (!current) {
        forget(store_key, listener);
    }
    return !ended;
}

void RpcListeners::remove(spi::ConnectionNumber connection, const std::string& store_key) {
    ListenerPtr listener;
    {
        std::lock_guard lock(connections_mutex_);
        const auto found = clients_.find(connection);
        if (found == clients_.end()) {
            return;
        }
        const auto place = found->second.configs.find(store_key);
        if (place == found->second.configs.end()) {
            return;
        }
        listener = std::move(place->second);
        found->second.configs.erase(place);
    }
    forget(store_key, listener);
}

std::size_t RpcListeners::count_with(spi::ConnectionNumber connection, const std::vector<std::string>& store_keys) {
    std::lock_guard lock(connections_mutex_);
    const auto found = clients_.find(connection);
    if (found == clients_.end()) {
        return 0;
    }
    const auto& configs = found->second.configs;
    std::unordered_set<std::string_view> more;
    for (const std::string& key : store_keys) {
        if (!configs.contains(key)) {
            more.insert(key);
        }
    }
    return more.empty() ? 0 : configs.size() + more.size();
}

void RpcListeners::forget(const std::string& store_key, const ListenerPtr& listener) {
    {
        std::lock_guard lock(listener->mutex);
        listener->listening = false;
    }
    Shard& shard = shard_of(store_key);
    std::lock_guard lock(shard.mutex);
    const auto found = shard.configs.find(store_key);
    if (found == shard.configs.end()) {
        return;
    }
    size_.fetch_sub(std::erase(found->second.listeners, listener), std::memory_order_relaxed);
    if (found->second.listeners.empty()) {
        shard.configs.erase(found);
    }
}

void RpcListeners::add_listeners_of(const std::string& store_key, std::map<std::string, std::string>& md5s) {
    Shard& shard = shard_of(store_key);
    std::lock_guard lock(shard.mutex);
    const auto found = shard.configs.find(store_key);
    if (found != shard.configs.end()) {
        for (const ListenerPtr& listener : found->second.listeners) {
            md5s[listener->connection->client_ip] = listener->md5();
        }
    }
}

void RpcListeners::add_listened_by(std::string_view ip, std::map<std::string, std::string>& md5s) {
    std::lock_guard lock(connections_mutex_);
    for (const auto& [number, client] : clients_) {
        if (client.connection->client_ip == ip) {
            for (const auto& [store_key, listener] : client.configs) {
                md5s[store_key] = listener->md5();
            }
        }
    }
}

void RpcListeners::notify(const std::string& store_key) {
    std::vector<ListenerPtr> listeners;
    {
        Shard& shard = shard_of(store_key);
        std::lock_guard lock(shard.mutex);
        const auto found = shard.configs.find(store_key);
        if (found == shard.configs.end()) {
            return;
        }
        listeners = found->second.listeners;
    }
    for (std::size_t from = 0; from < listeners.size(); from += kSlice) {
        sdk::Gate::Pass pass = gate_.enter();
        if (!pass) {
            return;
        }
        const auto begin = listeners.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end = listeners.begin() + static_cast<std::ptrdiff_t>(std::min(from + kSlice, listeners.size()));
        executors_.work().post([this, slice = std::vector<ListenerPtr>(begin, end), pass = std::move(pass)] {
            for (const ListenerPtr& listener : slice) {
                offer(listener);
            }
        });
    }
}

void RpcListeners::offer(const ListenerPtr& listener) {
    {
        std::lock_guard lock(listener->mutex);
        if (!listener->listening) {
            return;
        }
        if (std::exchange(listener->on_its_way, true)) {
            listener->again = true;
            return;
        }
        listener->tries = 0;
    }
    send(listener);
}

void RpcListeners::send(const ListenerPtr& listener) {
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        return;
    }
    const spi::Piece pieces[] = {listener->notification};
    connections_.push(
        listener->connection->number, {.type = "ConfigChangeNotifyRequest", .members = pieces, .timeout = kAckTimeout},
        [this, listener, pass = std::move(pass)](spi::Result<bool> outcome) { finish(listener, outcome); });
}

void RpcListeners::finish(const ListenerPtr& listener, const spi::Result<bool>& outcome) {
    const bool closed = !outcome && outcome.error().code() == spi::Code::kClosed;
    bool again = false;
    int tries = 0;
    {
        std::lock_guard lock(listener->mutex);
        if (outcome || closed || !listener->listening) {
            listener->on_its_way = false;
            again = std::exchange(listener->again, false) && outcome && listener->listening;
        } else {
            tries = ++listener->tries;
            listener->again = false;  // the next try tells of it too
        }
    }
    if (outcome) {
        notified_.add();
    }
    if (again) {
        offer(listener);
    } else if (tries >= kMaxTries) {
        log_.warn("listener takes no notification, closing its connection",
                  spi::kv("connection", listener->connection->id), spi::kv("notification", *listener->notification));
        connections_.close(listener->connection->number, "takes no notification");
    } else if (tries > 0) {
        failed_.add();
        executors_.timers().after(kRetryStep * tries, [this, listener] {
            if (sdk::Gate::Pass pass = gate_.enter()) {
                executors_.work().post([this, listener, pass = std::move(pass)] { retry(listener); });
            }
        });
    }
}

void RpcListeners::retry(const ListenerPtr& listener) {
    bool wanted = false;
    {
        std::lock_guard lock(listener->mutex);
        wanted = listener->listening;
        listener->on_its_way = wanted;
    }
    if (wanted) {
        send(listener);
    }
}

}  // namespace pharos::config
