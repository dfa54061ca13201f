#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>

#include "listen/probe.hpp"
#include "store/index.hpp"

namespace pharos::config {

/// Sends a poll's reply: the body as it is, with the headers of `protocol/config.md §2.3` that forbid caching.
void reply_poll(spi::HttpResponder responder, std::string_view body, std::string_view old_body = {}) noexcept;
/// The configs whose md5 is not the client's, as the body of a reply; "" when there are none.
[[nodiscard]] std::string changed_body(Index& index, const std::vector<Probe>& probes);

/// The long polls that are held back, found by config key, so that a change touches those who wait for it and no
/// others. Any thread.
///
/// A poll ends once: by a change, at its deadline, when the client goes, or when the server stops; who ends it is
/// whoever claims it first.
class LongPolls {
public:
    LongPolls(Index& index, spi::Executors& executors) noexcept : index_(index), executors_(executors) {}

    void hold(std::vector<Probe> probes, spi::Duration time, spi::HttpResponder responder);
    /// Wakes who waits for this config. Returns at once; the work pool answers.
    void notify(const ConfigKey& key);
    /// Answers all with "nothing changed" and holds no more.
    void stop();

    [[nodiscard]] std::size_t count() const noexcept { return held_.load(std::memory_order_relaxed); }

private:
    struct Poll;
    using PollPtr = std::shared_ptr<Poll>;
    static constexpr std::size_t kShards = 64;
    static constexpr std::size_t kSlice = 256;

    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, std::unordered_map<const Poll*, PollPtr>> keys;
    };

    Shard& shard_of(const std::string& key) noexcept {
        return shards_[std::hash<std::string>()(key) >> 9 & (kShards - 1)];
    }
    bool claim(Poll& poll) noexcept;
    void forget(const PollPtr& poll) noexcept;
    void wake(const PollPtr& poll, const std::string& key) noexcept;
    void end_at_deadline(const PollPtr& poll) noexcept;

    Index& index_;
    spi::Executors& executors_;
    std::array<Shard, kShards> shards_;
    std::atomic<std::size_t> held_{0};
    std::atomic<bool> stopping_{false};
};

}  // namespace pharos::config
