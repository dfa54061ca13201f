#include "listen/rpc_listeners.hpp"

#include <utility>
#include <vector>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::config {

namespace {

/// The members of ConfigChangeNotifyRequest behind its requestId (§3.5).
std::shared_ptr<const std::string> members_of(const ConfigKey& key, bool with_tenant) {
    std::string text = "\"dataId\":";
    sdk::JsonWriter::append_quoted(text, key.data_id());
    text += ",\"group\":";
    sdk::JsonWriter::append_quoted(text, key.group());
    if (with_tenant) {
        text += ",\"tenant\":";
        sdk::JsonWriter::append_quoted(text, key.namespace_id());
    }
    text += ",\"module\":\"config\"}";
    return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

void RpcListeners::add(spi::ConnectionNumber connection, const ConfigKey& key, bool blank) {
    {
        ConnectionShard& shard = shard_of(connection);
        std::lock_guard lock(shard.mutex);
        shard.keys[connection].insert(key.text());
    }
    KeyShard& shard = shard_of(key.text());
    std::lock_guard lock(shard.mutex);
    auto [at, added] = shard.keys[key.text()].insert_or_assign(connection, Listener{blank, 0});
    count_.fetch_add(added ? 1 : 0, std::memory_order_relaxed);
}

void RpcListeners::remove(spi::ConnectionNumber connection, const ConfigKey& key) {
    {
        ConnectionShard& shard = shard_of(connection);
        std::lock_guard lock(shard.mutex);
        auto found = shard.keys.find(connection);
        if (found != shard.keys.end() && found->second.erase(key.text()) > 0 && found->second.empty()) {
            shard.keys.erase(found);
        }
    }
    remove_from_key(connection, key.text());
}

void RpcListeners::remove_from_key(spi::ConnectionNumber connection, const std::string& key) {
    KeyShard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    auto found = shard.keys.find(key);
    if (found != shard.keys.end() && found->second.erase(connection) > 0) {
        count_.fetch_sub(1, std::memory_order_relaxed);
        if (found->second.empty()) {
            shard.keys.erase(found);
        }
    }
}

void RpcListeners::confirm(spi::ConnectionNumber connection) {
    if (connections_.find(connection) == nullptr) {
        drop(connection);
    }
}

void RpcListeners::on_closed(const spi::ConnectionPtr& connection) noexcept {
    // A client may listen to thousands: not on the transport's thread.
    executors_.work().post([self = shared_from_this(), number = connection->number] { self->drop(number); });
}

void RpcListeners::drop(spi::ConnectionNumber connection) {
    std::unordered_set<std::string> keys;
    {
        ConnectionShard& shard = shard_of(connection);
        std::lock_guard lock(shard.mutex);
        auto found = shard.keys.find(connection);
        if (found == shard.keys.end()) {
            return;
        }
        keys = std::move(found->second);
        shard.keys.erase(found);
    }
    for (const std::string& key : keys) {
        remove_from_key(connection, key);
    }
}

void RpcListeners::notify(const ConfigKey& key) {
    std::vector<std::pair<spi::ConnectionNumber, bool>> listeners;
    std::uint64_t number = 0;
    {
        KeyShard& shard = shard_of(key.text());
        std::lock_guard lock(shard.mutex);
        auto found = shard.keys.find(key.text());
        if (found == shard.keys.end()) {
            return;
        }
        number = rounds_.fetch_add(1, std::memory_order_relaxed) + 1;
        listeners.reserve(found->second.size());
        for (auto& [connection, listener] : found->second) {
            listener.round = number;
            listeners.emplace_back(connection, listener.blank);
        }
    }
    auto round = std::make_shared<const Round>(
        Round{key.text(), number, members_of(key, false), members_of(key, true)});
    for (std::size_t at = 0; at < listeners.size(); at += kSlice) {
        auto begin = listeners.begin() + static_cast<std::ptrdiff_t>(at);
        auto end = listeners.begin() + static_cast<std::ptrdiff_t>(std::min(at + kSlice, listeners.size()));
        executors_.work().post([self = shared_from_this(), round, slice = std::vector(begin, end)] {
            for (const auto& [connection, blank] : slice) {
                self->push(round, connection, blank, 0);
            }
        });
    }
}

void RpcListeners::push(const RoundPtr& round, spi::ConnectionNumber connection, bool blank, int tries) {
    if (stopping_.load(std::memory_order_relaxed)) {
        return;
    }
    const spi::Piece members[] = {blank ? round->plain : round->with_tenant};
    notifies_.add();
    connections_.push(connection, {.type = "ConfigChangeNotifyRequest", .members = members, .timeout = kAckTime},
                      [self = shared_from_this(), round, connection, blank, tries](spi::Result<bool> acked) {
                          if (!acked && acked.error().code() != spi::Code::kClosed) {
                              self->retry(round, connection, blank, tries + 1);
                          }
                      });
}

/// §6: again after tries × 2 s; who has taken nothing after 50 tries is disconnected.
void RpcListeners::retry(const RoundPtr& round, spi::ConnectionNumber connection, bool blank, int tries) {
    if (!is_current(*round, connection)) {
        return;
    }
    if (tries >= kMaxTries) {
        log_.warn("config_push_given_up", spi::kv("connection", connection), spi::kv("tries", tries));
        connections_.close(connection, "config pushes were not acknowledged");
        return;
    }
    executors_.timers().after(kRetryStep * tries, [self = shared_from_this(), round, connection, blank, tries] {
        self->executors_.work().post([self, round, connection, blank, tries] {
            if (self->is_current(*round, connection)) {
                self->push(round, connection, blank, tries);
            }
        });
    });
}

bool RpcListeners::is_current(const Round& round, spi::ConnectionNumber connection) {
    KeyShard& shard = shard_of(round.key);
    std::lock_guard lock(shard.mutex);
    auto found = shard.keys.find(round.key);
    if (found == shard.keys.end()) {
        return false;
    }
    auto listener = found->second.find(connection);
    return listener != found->second.end() && listener->second.round == round.number;
}

}  // namespace pharos::config
