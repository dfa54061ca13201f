#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>

#include "environment.hpp"

namespace pharos::storage_lmdb {

/// One write that waits for its transaction.
class WriteRequest {
public:
    virtual ~WriteRequest() = default;

    /// Makes the changes. Called in order, on the writer thread, and perhaps again in another transaction after one
    /// was abandoned. A failure must have changed nothing, unless `poisons` is set: then the transaction is lost.
    virtual spi::Status apply(MDB_txn* txn, bool& poisons) = 0;
    /// The transaction is on disk, or the write has failed. Called once, in order, on the writer thread.
    virtual void finish(const spi::Status& outcome) noexcept = 0;
    /// May wait a little for company.
    [[nodiscard]] virtual bool is_lazy() const noexcept { return false; }
    /// About what it adds to the transaction.
    [[nodiscard]] virtual std::size_t bytes() const noexcept { return 0; }
    /// Puts something: a store that can't grow refuses it without trying.
    [[nodiscard]] virtual bool adds() const noexcept { return false; }
};

/// The one thread that writes. It takes everything that has queued up while the last transaction was being synced and
/// commits it as one (group commit): under load, many writes share one sync.
///
///     writers ─► queue ─► [ begin · apply · apply · apply · commit + sync ] ─► finish · finish · finish
///
/// Every transaction is synced: LMDB without sync can lose more than the last write at a power cut. A lazy write
/// therefore waits, at most 100 ms or until 4 MiB of them wait, for a durable one to go with. When a transaction fails
/// as a whole, its writes are tried one by one, so that one that does not fit fails alone.
///
/// What can go wrong with the disk, and what follows (docs/adr/0005-store.md):
///
///     full                    puts are refused until there is room; removals are tried
///     a data page or its sync the write has failed, the next one is tried: nothing on disk refers to those pages
///     a meta page             all writes are refused until a restart: which state is on disk is not known
///
/// After the first two, once a second an empty transaction is tried, until one succeeds.
class Writer {
public:
    /// Room for the write that found the disk full, twice, and at least this, must be there before puts are taken
    /// again.
    static constexpr std::uint64_t kLeastRoom = std::uint64_t{1} << 20;

    Writer(Environment& environment, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log);

    /// Takes writes from now on; the environment is open.
    void start() noexcept;
    /// Any thread. kUnavailable before start() and after stop().
    void submit(std::unique_ptr<WriteRequest> request) noexcept;
    /// Refuses further writes and waits for what is queued.
    void stop(spi::Duration patience) noexcept;

    /// What is wrong with the disk, until a transaction is committed (kInternal), or that it is full (kUnavailable), or
    /// that the store has reached its limit (kTooLarge), until there is room. Any thread.
    [[nodiscard]] spi::Status failure() const;
    /// Whether puts are refused without trying. Any thread.
    [[nodiscard]] bool is_read_only() const;

private:
    using Group = std::vector<std::unique_ptr<WriteRequest>>;

    void wake(std::unique_lock<std::mutex>& lock) noexcept;
    void run() noexcept;
    void commit(Group& group) noexcept;
    /// Applies and commits; outcomes by request. False: nothing of it happened, and there is more than one to blame.
    bool try_commit(Group& group, std::vector<spi::Status>& outcomes) noexcept;
    /// Keeps a disk error, a full disk or a reached limit in mind. `bytes`: of the write that met it.
    void note(const spi::Status& outcome, std::uint64_t bytes) noexcept;
    /// After a commit: the disk takes writes.
    void note_success(bool has_room) noexcept;
    /// Why a transaction was not committed: what LMDB says, and what it does not say.
    spi::Status failure_of(int code, const Group& group) noexcept;
    [[nodiscard]] spi::Status refusal() const;
    void arm_probe() noexcept;
    void probe() noexcept;

    Environment& environment_;
    spi::Executors& executors_;
    spi::Executor& thread_;
    spi::Counter& commits_;
    spi::Counter& writes_;
    spi::Log& log_;
    sdk::Gate gate_;
    std::uint64_t transactions_ = 0;  ///< writer thread only

    mutable std::mutex mutex_;
    Group queue_;
    std::size_t lazy_bytes_ = 0;  ///< of lazy writes in the queue
    bool awake_ = false;
    bool timer_armed_ = false;
    spi::TimerId timer_ = 0;
    bool started_ = false;
    bool stopping_ = false;
    spi::TimerId probe_timer_ = 0;
    bool probe_armed_ = false;
    spi::Status frozen_;        ///< a meta page could not be written; for ever
    spi::Status disk_failure_;  ///< until a commit succeeds
    spi::Status disk_full_;     ///< until there is `wanted_room_`, or a commit succeeds
    std::uint64_t wanted_room_ = 0;
    spi::Status full_;  ///< the limit; until a commit leaves room
};

}  // namespace pharos::storage_lmdb
