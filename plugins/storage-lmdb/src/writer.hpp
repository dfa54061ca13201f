#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
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
    /// About what it adds to the transaction. Asked for lazy ones only.
    [[nodiscard]] virtual std::size_t bytes() const noexcept { return 0; }
};

/// The one thread that writes. It takes everything that has queued up while the last transaction was being synced and
/// commits it as one (group commit): under load, many writes share one sync.
///
///     writers ─► queue ─► [ begin · apply · apply · apply · commit + sync ] ─► finish · finish · finish
///
/// Every transaction is synced: LMDB without sync can lose more than the last write at a power cut. A lazy write
/// therefore waits, at most 100 ms or until 4 MiB of them wait, for a durable one to go with. When a transaction fails
/// as a whole, its writes are tried one by one, so that one that does not fit fails alone.
class Writer {
public:
    Writer(Environment& environment, spi::Executors& executors, spi::Metrics& metrics);

    /// Takes writes from now on; the environment is open.
    void start() noexcept;
    /// Any thread. kUnavailable before start() and after stop().
    void submit(std::unique_ptr<WriteRequest> request) noexcept;
    /// Refuses further writes and waits for what is queued.
    void stop(spi::Duration patience) noexcept;

    /// What is wrong with the disk, until a transaction is committed (kInternal), or else why the store takes no more
    /// (kTooLarge), until one leaves room. Any thread.
    [[nodiscard]] spi::Status failure() const;

private:
    using Group = std::vector<std::unique_ptr<WriteRequest>>;

    void wake(std::unique_lock<std::mutex>& lock) noexcept;
    void run() noexcept;
    void commit(Group& group) noexcept;
    /// Applies and commits; outcomes by request. False: nothing of it happened, and there is more than one to blame.
    bool try_commit(Group& group, std::vector<spi::Status>& outcomes) noexcept;
    /// Keeps a disk error or a reached limit in mind.
    void note(const spi::Status& outcome) noexcept;

    Environment& environment_;
    spi::Executors& executors_;
    spi::Executor& thread_;
    spi::Counter& commits_;
    spi::Counter& writes_;
    sdk::Gate gate_;

    mutable std::mutex mutex_;
    Group queue_;
    std::size_t lazy_bytes_ = 0;  ///< of lazy writes in the queue
    bool awake_ = false;
    bool timer_armed_ = false;
    spi::TimerId timer_ = 0;
    bool started_ = false;
    bool stopping_ = false;
    spi::Status disk_failure_;
    spi::Status full_;
};

}  // namespace pharos::storage_lmdb
