#include "writer.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace pharos::storage_lmdb {

namespace {

constexpr spi::Duration kLazyDelay = std::chrono::milliseconds(80);  // with the timer's grain, less than 100
constexpr std::size_t kLazyBytes = std::size_t{4} << 20;
constexpr std::size_t kLargestGroup = 4096;
constexpr spi::Duration kProbeDelay = std::chrono::seconds(1);
/// Readers of other processes that died are looked for every so many transactions: they hold back pages from reuse.
constexpr std::uint64_t kReaderCheck = 100;

bool is_full(const spi::Status& outcome) noexcept { return outcome.code() == spi::Code::kTooLarge; }
bool is_disk_full(const spi::Status& outcome) noexcept { return outcome.code() == spi::Code::kUnavailable; }

}  // namespace

Writer::Writer(Environment& environment, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log)
    : environment_(environment),
      executors_(executors),
      thread_(executors.dedicated("store")),
      commits_(metrics.counter("pharos_store_commits_total", "Transactions that were synced to disk.")),
      writes_(metrics.counter("pharos_store_writes_total", "Writes that these transactions held.")),
      log_(log) {}

void Writer::start() noexcept {
    std::lock_guard lock(mutex_);
    started_ = true;
}

void Writer::submit(std::unique_ptr<WriteRequest> request) noexcept {
    std::unique_lock lock(mutex_);
    if (stopping_ || !started_) {
        const char* why = stopping_ ? "the store is stopping" : "the store is not open yet";
        lock.unlock();
        request->finish({spi::Code::kUnavailable, why});
        return;
    }
    const bool lazy = request->is_lazy();
    lazy_bytes_ += lazy ? request->bytes() : 0;
    queue_.push_back(std::move(request));
    if (!lazy || lazy_bytes_ >= kLazyBytes) {
        wake(lock);
    } else if (!awake_ && !std::exchange(timer_armed_, true)) {
        timer_ = executors_.timers().after(kLazyDelay, [this] {
            if (sdk::Gate::Pass pass = gate_.enter()) {
                std::unique_lock due(mutex_);
                timer_armed_ = false;
                wake(due);
            }
        });
    }
}

void Writer::wake(std::unique_lock<std::mutex>&) noexcept {
    if (!queue_.empty() && !std::exchange(awake_, true)) {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            thread_.post([this, pass = std::move(pass)] { run(); });
        }
    }
}

void Writer::run() noexcept {
    for (;;) {
        Group group;
        {
            std::lock_guard lock(mutex_);
            lazy_bytes_ = 0;
            if (queue_.empty()) {
                awake_ = false;
                return;
            }
            if (queue_.size() <= kLargestGroup) {
                group.swap(queue_);
            } else {
                const auto end = queue_.begin() + kLargestGroup;
                group.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
                queue_.erase(queue_.begin(), end);
            }
        }
        commit(group);
    }
}

void Writer::commit(Group& group) noexcept {
    std::vector<spi::Status> outcomes;
    if (try_commit(group, outcomes)) {
        for (std::size_t i = 0; i < group.size(); ++i) {
            group[i]->finish(outcomes[i]);
        }
        return;
    }
    for (std::unique_ptr<WriteRequest>& request : group) {
        Group alone;
        alone.push_back(std::move(request));
        try_commit(alone, outcomes);
        alone.front()->finish(outcomes.front());
    }
}

bool Writer::try_commit(Group& group, std::vector<spi::Status>& outcomes) noexcept {
    outcomes.assign(group.size(), spi::Status());
    const auto fail = [&](const spi::Status& why) {
        const bool alone = group.size() == 1;
        if (alone || why.code() != spi::Code::kUnavailable) {
            note(why, alone ? group.front()->bytes() : 0);
        }
        outcomes.assign(group.size(), why);
        std::lock_guard lock(mutex_);
        return alone || !frozen_.is_ok();
    };
    if (transactions_++ % kReaderCheck == 0) {
        int dead = 0;
        mdb_reader_check(environment_.raw(), &dead);
    }
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(environment_.raw(), nullptr, 0, &txn); code != 0) {
        return fail(failure_of(code, group));
    }
    const spi::Status refused_puts = refusal();
    bool changes = false;
    for (std::size_t i = 0; i < group.size(); ++i) {
        if (!refused_puts && group[i]->adds()) {
            outcomes[i] = refused_puts;
            continue;
        }
        bool poisons = false;
        outcomes[i] = group[i]->apply(txn, poisons);
        changes = changes || outcomes[i].is_ok();
        if (poisons) {
            const spi::Status why = is_disk_full(outcomes[i]) ? failure_of(ENOSPC, group) : outcomes[i];
            mdb_txn_abort(txn);
            return fail(why);
        }
        note(outcomes[i], group[i]->bytes());
    }
    if (!changes) {
        mdb_txn_abort(txn);
        return true;
    }
    const bool has_room = environment_.used_bytes(txn) < environment_.max_bytes();
    const std::size_t number = mdb_txn_id(txn);
    if (const int code = mdb_txn_commit(txn); code != 0) {
        return fail(failure_of(code, group));
    }
    commits_.add();
    writes_.add(group.size());
    // A barrier, or the removal of what is not there, is committed without a look at the disk.
    MDB_envinfo info{};
    if (mdb_env_info(environment_.raw(), &info) == 0 && info.me_last_txnid == number) {
        note_success(has_room && !std::any_of(outcomes.begin(), outcomes.end(), is_full));
    }
    return true;
}

spi::Status Writer::failure_of(int code, const Group& group) noexcept {
    const std::string directory = environment_.directory().string();
    if (code == EIO) {
        // A write that stopped half way, which a full disk does, is an EIO to LMDB.
        std::uint64_t bytes = kLeastRoom;
        for (const std::unique_ptr<WriteRequest>& request : group) {
            bytes += request->bytes();
        }
        code = environment_.disk_room() < bytes ? ENOSPC : code;
    }
    if (environment_.is_frozen()) {
        std::lock_guard lock(mutex_);
        if (frozen_) {
            frozen_ = {spi::Code::kInternal, "the store's file " + directory + "/" + kDataFile +
                                                 " takes no more writes until the server is restarted: the last step "
                                                 "of a commit failed (" +
                                                 mdb_strerror(code) +
                                                 "), and it is not known whether that commit is on disk; look at the "
                                                 "disk first"};
            log_.error("the store is read-only until a restart", spi::kv("reason", frozen_.message()));
        }
        return frozen_;
    }
    if (code == ENOSPC || code == EDQUOT) {
        return {spi::Code::kUnavailable, "the disk of " + directory + " is full (" + mdb_strerror(code) +
                                             "): nothing can be stored until there is room; reads go on"};
    }
    return error_of(code, "committing");
}

spi::Status Writer::refusal() const {
    std::lock_guard lock(mutex_);
    return frozen_ ? disk_full_ : frozen_;
}

void Writer::note(const spi::Status& outcome, std::uint64_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    if (is_full(outcome)) {
        full_ = outcome;
    } else if (is_disk_full(outcome)) {
        if (disk_full_) {
            log_.error("the store refuses writes", spi::kv("reason", outcome.message()));
        }
        disk_full_ = outcome;
        wanted_room_ = std::max({kLeastRoom, wanted_room_, 2 * bytes});
        arm_probe();
    } else if (outcome.code() == spi::Code::kInternal && frozen_) {
        if (disk_failure_) {
            log_.error("the store can't write", spi::kv("reason", outcome.message()));
        }
        disk_failure_ = outcome;
        arm_probe();
    }
}

void Writer::note_success(bool has_room) noexcept {
    std::lock_guard lock(mutex_);
    if (!disk_failure_ || !disk_full_) {
        log_.info("the store takes writes again");
    }
    disk_failure_ = {};
    disk_full_ = {};
    wanted_room_ = 0;
    if (has_room) {
        full_ = {};
    }
}

void Writer::arm_probe() noexcept {
    if (stopping_ || std::exchange(probe_armed_, true)) {
        return;
    }
    probe_timer_ = executors_.timers().after(kProbeDelay, [this] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            thread_.post([this, pass = std::move(pass)] { probe(); });
        }
    });
}

void Writer::probe() noexcept {
    {
        std::lock_guard lock(mutex_);
        probe_armed_ = false;
        if ((disk_failure_ && disk_full_) || !frozen_) {
            return;
        }
        if (!disk_full_ && environment_.disk_room() < wanted_room_) {
            arm_probe();
            return;
        }
    }
    const int code = environment_.commit_nothing();
    if (code == 0) {
        note_success(false);
    } else {
        note(failure_of(code, {}), 0);
    }
}

void Writer::stop(spi::Duration patience) noexcept {
    {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        executors_.timers().cancel(timer_);  // they must not fire into a destroyed writer
        executors_.timers().cancel(probe_timer_);
        wake(lock);
    }
    gate_.close(patience);
}

spi::Status Writer::failure() const {
    std::lock_guard lock(mutex_);
    for (const spi::Status* status : {&frozen_, &disk_failure_, &disk_full_}) {
        if (!*status) {
            return *status;
        }
    }
    return full_;
}

bool Writer::is_read_only() const { return !refusal(); }

}  // namespace pharos::storage_lmdb
