#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>

#include "listen/limits.hpp"
#include "listen/polling_format.hpp"
#include "store/index.hpp"

namespace pharos::config {

/// Long polls that are held until one of their configs changes (`protocol/config.md §2.4`). Any thread.
class LongPolls {
public:
    LongPolls(const Index& index, spi::Executors& executors, ListenLimits limits = {})
        : index_(index), executors_(executors), limits_(limits) {}

    /// The entries whose md5 is not the server's now; an unknown config has md5 "".
    [[nodiscard]] std::vector<const Listened*> changed(const std::vector<Listened>& entries) const;

    /// Holds the responder until a change or for `hold`; md5s are compared again at both ends, so that no change
    /// between the caller's look and the hold, or at the deadline, is lost.
    ///
    /// `client_ip` is what listeners are shown by, `socket_ip` what polls are limited by: the former is the client's
    /// word. One poll too many is answered 503, a second later (`protocol/config.md §2.4`).
    void hold(std::vector<Listened> entries, spi::Duration hold, std::string_view client_ip, std::string_view socket_ip,
              spi::HttpResponder responder);
    /// Answers whoever waits for this config, each with this config only. Not in the call.
    void wake(const std::string& store_key);

    /// Adds the clients that wait for a config, by their ip, and what a client waits for, by store key; each with the
    /// md5 that it has.
    void add_listeners_of(const std::string& store_key, std::map<std::string, std::string>& md5s);
    void add_listened_by(std::string_view ip, std::map<std::string, std::string>& md5s);

    [[nodiscard]] const ListenLimits& limits() const noexcept { return limits_; }
    [[nodiscard]] std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
    /// Answers all that wait; nothing is held afterwards.
    void stop(spi::Duration patience) noexcept;

private:
    struct Poll;
    using PollPtr = std::shared_ptr<Poll>;
    struct Waiter {
        PollPtr poll;
        std::size_t entry;
    };
    static constexpr std::size_t kShards = 64;
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, std::vector<Waiter>> waiters;
    };

    [[nodiscard]] Shard& shard_of(const std::string& key) { return shards_[std::hash<std::string>{}(key) % kShards]; }
    /// Counts a poll of the address. False: it has as many as it may have.
    bool enter(const std::string& ip);
    void leave(const std::string& ip);
    void refuse(spi::HttpResponder responder);
    /// True for the one caller who may answer the poll; takes it out of all shards.
    bool claim(const PollPtr& poll);
    void forget(const PollPtr& poll);
    void expire(const PollPtr& poll);

    const Index& index_;
    spi::Executors& executors_;
    const ListenLimits limits_;
    std::array<Shard, kShards> shards_;
    std::atomic<std::size_t> held_{0};
    std::mutex by_ip_mutex_;
    std::unordered_map<std::string, std::size_t> by_ip_;
    sdk::Gate gate_;
};

/// The answer to a poll: the changed configs, or nothing.
void reply_changed(spi::HttpResponder responder, const std::vector<const Listened*>& changed);

}  // namespace pharos::config
