#include "listen/long_polls.hpp"

#include <utility>

#include <pharos/protocol/replies.hpp>

namespace pharos::config {

struct LongPolls::Poll {
    std::vector<Probe> probes;
    spi::HttpResponder responder;  ///< touched by who has claimed the poll
    spi::TimerId timer = 0;
    std::atomic<bool> claimed{false};
};

void reply_poll(spi::HttpResponder responder, std::string_view body, std::string_view old_body) noexcept {
    const spi::HttpHeader headers[] = {{"Pragma", "no-cache"},
                                       {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
                                       {"Cache-Control", "no-cache,no-store"},
                                       {"Probe-Modify-Response", old_body},
                                       {"Probe-Modify-Response-New", body}};
    const spi::Piece pieces[] = {body};
    const bool old = !old_body.empty();
    responder.send({.status = 200,
                    .content_type = protocol::kJsonUtf8,
                    .headers = std::span(headers, old ? 5 : 3),
                    .body = old ? spi::Pieces() : spi::Pieces(pieces)});
}

std::string changed_body(Index& index, const std::vector<Probe>& probes) {
    std::string body;
    for (const Probe& probe : probes) {
        if (!index.md5_is(probe.key.text(), probe.md5)) {
            append_changed(body, probe);
        }
    }
    if (!body.empty()) {
        body += '\n';
    }
    return body;
}

bool LongPolls::claim(Poll& poll) noexcept {
    if (poll.claimed.exchange(true, std::memory_order_acq_rel)) {
        return false;
    }
    held_.fetch_sub(1, std::memory_order_relaxed);
    return true;
}

void LongPolls::hold(std::vector<Probe> probes, spi::Duration time, spi::HttpResponder responder) {
    auto poll = std::make_shared<Poll>(Poll{std::move(probes), std::move(responder)});
    held_.fetch_add(1, std::memory_order_relaxed);
    // Timer and client's end are set up before any change can find the poll; so who claims it sees both.
    poll->timer = executors_.timers().after(time, [this, poll] {
        executors_.work().post([this, poll] { end_at_deadline(poll); });
    });
    poll->responder.on_abandoned([this, weak = std::weak_ptr(poll)] {
        if (PollPtr gone = weak.lock(); gone != nullptr && claim(*gone)) {
            executors_.timers().cancel(gone->timer);
            forget(gone);
        }
    });
    for (const Probe& probe : poll->probes) {
        Shard& shard = shard_of(probe.key.text());
        std::lock_guard lock(shard.mutex);
        shard.keys[probe.key.text()].emplace(poll.get(), poll);
    }
    // What changed between the first comparison and now has woken nobody.
    std::string body = changed_body(index_, poll->probes);
    if ((!body.empty() || stopping_.load()) && claim(*poll)) {
        executors_.timers().cancel(poll->timer);
        forget(poll);
        reply_poll(std::move(poll->responder), body);
    } else if (poll->claimed.load(std::memory_order_acquire)) {
        forget(poll);  // claimed while it was still being put in
    }
}

void LongPolls::forget(const PollPtr& poll) noexcept {
    for (const Probe& probe : poll->probes) {
        Shard& shard = shard_of(probe.key.text());
        std::lock_guard lock(shard.mutex);
        auto found = shard.keys.find(probe.key.text());
        if (found != shard.keys.end() && found->second.erase(poll.get()) > 0 && found->second.empty()) {
            shard.keys.erase(found);
        }
    }
}

void LongPolls::notify(const ConfigKey& key) {
    std::vector<PollPtr> waiting;
    {
        Shard& shard = shard_of(key.text());
        std::lock_guard lock(shard.mutex);
        auto found = shard.keys.find(key.text());
        if (found == shard.keys.end()) {
            return;
        }
        waiting.reserve(found->second.size());
        for (auto& entry : found->second) {
            waiting.push_back(std::move(entry.second));
        }
        shard.keys.erase(found);
    }
    for (std::size_t at = 0; at < waiting.size(); at += kSlice) {
        auto begin = waiting.begin() + static_cast<std::ptrdiff_t>(at);
        auto end = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(at + kSlice, waiting.size()));
        std::vector<PollPtr> slice(std::make_move_iterator(begin), std::make_move_iterator(end));
        executors_.work().post([this, slice = std::move(slice), text = key.text()] {
            for (const PollPtr& poll : slice) {
                wake(poll, text);
            }
        });
    }
}

void LongPolls::wake(const PollPtr& poll, const std::string& key) noexcept {
    if (!claim(*poll)) {
        return;
    }
    executors_.timers().cancel(poll->timer);
    forget(poll);
    std::string body;  // only the config that woke it (§2.4 step 4)
    for (const Probe& probe : poll->probes) {
        if (probe.key.text() == key) {
            append_changed(body, probe);
            break;
        }
    }
    body += '\n';
    reply_poll(std::move(poll->responder), body);
}

void LongPolls::end_at_deadline(const PollPtr& poll) noexcept {
    if (claim(*poll)) {
        forget(poll);
        reply_poll(std::move(poll->responder), changed_body(index_, poll->probes));
    }
}

void LongPolls::stop() {
    stopping_ = true;
    for (Shard& shard : shards_) {
        decltype(shard.keys) keys;
        {
            std::lock_guard lock(shard.mutex);
            keys.swap(shard.keys);
        }
        for (auto& entry : keys) {
            for (auto& [pointer, poll] : entry.second) {
                if (claim(*poll)) {
                    executors_.timers().cancel(poll->timer);
                    reply_poll(std::move(poll->responder), {});
                }
            }
        }
    }
}

}  // namespace pharos::config
