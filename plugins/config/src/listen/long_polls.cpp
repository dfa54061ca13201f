#include "listen/long_polls.hpp"

#include <algorithm>
#include <utility>

#include <pharos/protocol/replies.hpp>

#include "model/key.hpp"

namespace pharos::config {

namespace {

constexpr std::size_t kSlice = 256;
constexpr spi::Duration kRefuseAfter = std::chrono::seconds(1);

std::string key_of(const Listened& entry) { return make_key(entry.tenant, entry.group, entry.data_id).store_key(); }

}  // namespace

struct LongPolls::Poll {
    std::vector<Listened> entries;
    std::vector<std::string> keys;  ///< store keys, by entry
    const std::string client_ip;
    const std::string socket_ip;
    spi::HttpResponder responder;
    std::atomic<bool> claimed{false};
    std::atomic<spi::TimerId> timer{0};

    Poll(std::vector<Listened> listened, std::string_view client, std::string socket, spi::HttpResponder waiting)
        : entries(std::move(listened)), client_ip(client), socket_ip(std::move(socket)), responder(std::move(waiting)) {
        for (const Listened& entry : entries) {
            keys.push_back(key_of(entry));
        }
    }
};

void reply_changed(spi::HttpResponder responder, const std::vector<const Listened*>& changed) {
    static constexpr spi::HttpHeader kHeaders[] = {
        {"Pragma", "no-cache"}, {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"}, {"Cache-Control", "no-cache,no-store"}};
    std::string body;
    for (const Listened* entry : changed) {
        append_changed(body, *entry);
    }
    body += body.empty() ? "" : "\n";
    const spi::Piece pieces[] = {body};
    responder.send({.status = 200, .content_type = protocol::kJsonUtf8, .headers = kHeaders, .body = pieces});
}

std::vector<const Listened*> LongPolls::changed(const std::vector<Listened>& entries) const {
    std::vector<const Listened*> found;
    for (const Listened& entry : entries) {
        const EntryPtr current = index_.find(key_of(entry));
        if ((current == nullptr ? std::string_view{} : std::string_view(current->md5)) != entry.md5) {
            found.push_back(&entry);
        }
    }
    return found;
}

void LongPolls::hold(std::vector<Listened> entries, spi::Duration hold, std::string_view client_ip,
                     std::string_view socket_ip, spi::HttpResponder responder) {
    std::string address(socket_ip);
    if (!enter(address)) {
        return refuse(std::move(responder));
    }
    auto poll = std::make_shared<Poll>(std::move(entries), client_ip, std::move(address), std::move(responder));
    held_.fetch_add(1, std::memory_order_relaxed);
    poll->responder.on_abandoned([this, poll] { claim(poll); });
    for (std::size_t i = 0; i < poll->keys.size(); ++i) {
        Shard& shard = shard_of(poll->keys[i]);
        std::lock_guard lock(shard.mutex);
        shard.waiters[poll->keys[i]].push_back({poll, i});
    }
    poll->timer = executors_.timers().after(hold, [this, poll] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, poll, pass = std::move(pass)] { expire(poll); });
        }
    });
    // A change may have come between the caller's comparison and the registration.
    if (const std::vector<const Listened*> missed = changed(poll->entries); !missed.empty() && claim(poll)) {
        reply_changed(std::move(poll->responder), missed);
    } else if (poll->claimed.load(std::memory_order_acquire)) {
        // Answered while it was still being put in: whoever claimed it saw neither the timer nor the later keys.
        executors_.timers().cancel(poll->timer);
        forget(poll);
    }
}

bool LongPolls::enter(const std::string& ip) {
    std::lock_guard lock(by_ip_mutex_);
    std::size_t& count = by_ip_[ip];
    if (count >= limits_.polls_by_ip) {
        return false;
    }
    ++count;
    return true;
}

void LongPolls::leave(const std::string& ip) {
    std::lock_guard lock(by_ip_mutex_);
    const auto found = by_ip_.find(ip);
    if (--found->second == 0) {
        by_ip_.erase(found);
    }
}

void LongPolls::refuse(spi::HttpResponder responder) {
    if (limits_.refused_polls != nullptr) {
        limits_.refused_polls->add();
    }
    // Clients that ask again at once are slowed down by it.
    executors_.timers().after(kRefuseAfter, [this, responder = std::move(responder)]() mutable {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, responder = std::move(responder), pass = std::move(pass)]() mutable {
                protocol::reply_text(std::move(responder), 503,
                                     "more than " + std::to_string(limits_.polls_by_ip) +
                                         " long polls from one address (config.max_polls_per_ip)");
            });
        }
    });
}

bool LongPolls::claim(const PollPtr& poll) {
    if (poll->claimed.exchange(true, std::memory_order_acq_rel)) {
        return false;
    }
    held_.fetch_sub(1, std::memory_order_relaxed);
    leave(poll->socket_ip);
    executors_.timers().cancel(poll->timer);
    forget(poll);
    return true;
}

void LongPolls::forget(const PollPtr& poll) {
    for (const std::string& key : poll->keys) {
        Shard& shard = shard_of(key);
        std::lock_guard lock(shard.mutex);
        const auto found = shard.waiters.find(key);
        if (found != shard.waiters.end()) {
            std::erase_if(found->second, [&](const Waiter& waiter) { return waiter.poll == poll; });
            if (found->second.empty()) {
                shard.waiters.erase(found);
            }
        }
    }
}

void LongPolls::expire(const PollPtr& poll) {
    if (claim(poll)) {
        reply_changed(std::move(poll->responder), changed(poll->entries));
    }
}

void LongPolls::wake(const std::string& store_key) {
    std::vector<Waiter> waiters;
    {
        Shard& shard = shard_of(store_key);
        std::lock_guard lock(shard.mutex);
        const auto found = shard.waiters.find(store_key);
        if (found == shard.waiters.end()) {
            return;
        }
        waiters = std::move(found->second);
        shard.waiters.erase(found);
    }
    for (std::size_t from = 0; from < waiters.size(); from += kSlice) {
        sdk::Gate::Pass pass = gate_.enter();
        if (!pass) {
            return;
        }
        const auto begin = waiters.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end = waiters.begin() + static_cast<std::ptrdiff_t>(std::min(from + kSlice, waiters.size()));
        executors_.work().post([this, slice = std::vector<Waiter>(begin, end), pass = std::move(pass)] {
            for (const Waiter& waiter : slice) {
                if (claim(waiter.poll)) {
                    reply_changed(std::move(waiter.poll->responder), {&waiter.poll->entries[waiter.entry]});
                }
            }
        });
    }
}

void LongPolls::add_listeners_of(const std::string& store_key, std::map<std::string, std::string>& md5s) {
    Shard& shard = shard_of(store_key);
    std::lock_guard lock(shard.mutex);
    const auto found = shard.waiters.find(store_key);
    if (found != shard.waiters.end()) {
        for (const Waiter& waiter : found->second) {
            md5s[waiter.poll->client_ip] = waiter.poll->entries[waiter.entry].md5;
        }
    }
}

void LongPolls::add_listened_by(std::string_view ip, std::map<std::string, std::string>& md5s) {
    for (Shard& shard : shards_) {
        std::lock_guard lock(shard.mutex);
        for (const auto& [store_key, waiters] : shard.waiters) {
            for (const Waiter& waiter : waiters) {
                if (waiter.poll->client_ip == ip) {
                    md5s[store_key] = waiter.poll->entries[waiter.entry].md5;
                }
            }
        }
    }
}

void LongPolls::stop(spi::Duration patience) noexcept {
    gate_.close(patience);
    std::vector<PollPtr> waiting;
    for (Shard& shard : shards_) {
        std::lock_guard lock(shard.mutex);
        for (const auto& [key, waiters] : shard.waiters) {
            for (const Waiter& waiter : waiters) {
                waiting.push_back(waiter.poll);
            }
        }
    }
    for (const PollPtr& poll : waiting) {
        if (claim(poll)) {
            reply_changed(std::move(poll->responder), {});
        }
    }
}

}  // namespace pharos::config
