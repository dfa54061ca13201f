#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/store.hpp>

namespace pharos::config {

/// Removes history that nobody has to keep: rows that are too old, and rows of a config beyond the newest so many.
///
/// A round begins every ten minutes. It goes on in steps, each of which looks at a bounded number of keys on a thread
/// that may block, and removes a bounded number of rows in one commit; the next step comes after a pause, when that
/// commit is done. So neither readers nor writers ever wait for a purge, however much there is to remove. All nodes of
/// a cluster may do it at once: a row that is gone already is no error.
class HistoryPurge {
public:
    struct Limits {
        std::int64_t days = 30;     ///< 0 = rows of any age stay
        std::int64_t count = 1000;  ///< of one config; 0 = as many as there are
    };

    HistoryPurge(Limits limits, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log);

    /// The store must outlive this object's use.
    void start(spi::Store& store);
    /// No step begins; waits for the one under way.
    void stop(spi::Duration patience) noexcept;

private:
    /// Where a round is.
    struct Round {
        bool by_age = true;                ///< first by age, then by count
        std::string from;                  ///< key to go on at
        std::string config;                ///< prefix of the rows being counted
        std::deque<std::uint64_t> newest;  ///< numbers of its newest rows so far, at most as many as may stay
        std::uint64_t removed = 0;
    };
    using RoundPtr = std::shared_ptr<Round>;

    void step_later(RoundPtr round);
    void step(const RoundPtr& round, sdk::Gate::Pass pass);
    /// What the step removes; whether the part of the round that it belongs to ends with it.
    struct Found {
        spi::StoreCommit commit;
        bool is_last = true;
    };
    [[nodiscard]] Found find_old(const spi::StoreSnapshot& snapshot, Round& round) const;
    [[nodiscard]] Found find_surplus(const spi::StoreSnapshot& snapshot, Round& round) const;
    void begin_later(spi::Duration pause);
    void go_on(const RoundPtr& round, bool is_last);

    const Limits limits_;
    spi::Executors& executors_;
    spi::Log& log_;
    spi::Counter& purged_;
    spi::Store* store_ = nullptr;
    sdk::Gate gate_;
};

}  // namespace pharos::config
