#include "writer.hpp"

#include <algorithm>
#include <utility>

namespace pharos::storage_lmdb {

namespace {

constexpr spi::Duration kLazyDelay = std::chrono::milliseconds(80);  // with the timer's grain, less than 100
constexpr std::size_t kLazyBytes = std::size_t{4} << 20;
constexpr std::size_t kLargestGroup = 4096;

bool is_full(const spi::Status& outcome) noexcept { return outcome.code() == spi::Code::kTooLarge; }

}  // namespace

Writer::Writer(Environment& environment, spi::Executors& executors, spi::Metrics& metrics)
    : environment_(environment),
      executors_(executors),
      thread_(executors.dedicated("store")),
      commits_(metrics.counter("pharos_store_commits_total", "Transactions that were synced to disk.")),
      writes_(metrics.counter("pharos_store_writes_total", "Writes that these transactions held.")) {}

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
        note(why);
        outcomes.assign(group.size(), why);
        return group.size() == 1;
    };
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(environment_.raw(), nullptr, 0, &txn); code != 0) {
        return fail(error_of(code, "beginning a transaction"));
    }
    bool changes = false;
    for (std::size_t i = 0; i < group.size(); ++i) {
        bool poisons = false;
        outcomes[i] = group[i]->apply(txn, poisons);
        changes = changes || outcomes[i].is_ok();
        note(outcomes[i]);
        if (poisons) {
            const spi::Status why = outcomes[i];
            mdb_txn_abort(txn);
            return fail(why);
        }
    }
    if (!changes) {
        mdb_txn_abort(txn);
        return true;
    }
    const bool has_room = environment_.used_bytes(txn) < environment_.max_bytes();
    if (const int code = mdb_txn_commit(txn); code != 0) {
        return fail(error_of(code, "committing"));
    }
    commits_.add();
    writes_.add(group.size());
    const bool refused = std::any_of(outcomes.begin(), outcomes.end(), is_full);
    std::lock_guard lock(mutex_);
    disk_failure_ = {};
    if (has_room && !refused) {
        full_ = {};
    }
    return true;
}

void Writer::note(const spi::Status& outcome) noexcept {
    if (is_full(outcome)) {
        std::lock_guard lock(mutex_);
        full_ = outcome;
    } else if (outcome.code() == spi::Code::kInternal) {
        std::lock_guard lock(mutex_);
        disk_failure_ = outcome;
    }
}

void Writer::stop(spi::Duration patience) noexcept {
    {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        executors_.timers().cancel(timer_);  // it must not fire into a destroyed writer
        wake(lock);
    }
    gate_.close(patience);
}

spi::Status Writer::failure() const {
    std::lock_guard lock(mutex_);
    return disk_failure_ ? full_ : disk_failure_;
}

}  // namespace pharos::storage_lmdb
