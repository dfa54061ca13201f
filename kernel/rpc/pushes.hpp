#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <queue>
#include <vector>

#include <pharos/spi/executor.hpp>

#include "rpc/transport.hpp"

namespace pharos::rpc {

using PushDone = spi::Completion<bool>;

/// The pushes of one connection that wait for their ack: a handful at most times. Whoever takes one completes it, so
/// that each is completed once. Any thread.
class PendingPushes {
public:
    /// False: the connection is closed; `done` is left as it was.
    bool add(std::uint64_t id, PushDone& done);
    /// The push, if it still waits.
    std::optional<PushDone> take(std::uint64_t id);
    /// Takes all, and refuses more.
    std::vector<PushDone> close();

private:
    struct Push {
        std::uint64_t id;
        PushDone done;
    };

    std::mutex mutex_;
    std::vector<Push> waiting_;
    bool closed_ = false;
};

/// When pushes run out of time, earliest first. An ack does not remove its entry, which costs less than it would to
/// find it: entries go when their time has come. Any thread.
class PushDeadlines {
public:
    struct Deadline {
        spi::Duration due;
        ConnectionNumber connection;
        std::uint64_t push;
    };

    void add(const Deadline& deadline);
    /// Removes and returns what is due.
    std::vector<Deadline> due(spi::Duration now);
    [[nodiscard]] bool empty() const;

private:
    struct Later {
        bool operator()(const Deadline& a, const Deadline& b) const noexcept { return a.due > b.due; }
    };

    mutable std::mutex mutex_;
    std::priority_queue<Deadline, std::vector<Deadline>, Later> queue_;
};

}  // namespace pharos::rpc
