#include "local_store.hpp"

#include <algorithm>
#include <utility>

#include "file_check.hpp"
#include "kv_store.hpp"

namespace pharos::storage_lmdb {

namespace {

constexpr std::size_t kLongestKey = 480;
constexpr std::size_t kRevisionBytes = 8;

std::optional<spi::StoreValue> parse(std::optional<std::string_view> bytes) noexcept {
    if (!bytes || bytes->size() < kRevisionBytes) {
        return std::nullopt;
    }
    return spi::StoreValue{bytes->substr(kRevisionBytes), decode_number(*bytes)};
}

spi::Revision revision_in(MDB_txn* txn, const Environment& environment) noexcept {
    const auto stored = environment.get(txn, Environment::Table::kMeta, kRevisionKey);
    return stored ? decode_number(*stored) : 0;
}

class Snapshot final : public spi::StoreSnapshot {
public:
    explicit Snapshot(Environment& environment) noexcept : environment_(environment), txn_(environment) {}

    [[nodiscard]] bool is_open() const noexcept { return txn_.get() != nullptr; }
    [[nodiscard]] spi::Revision revision() const noexcept override { return revision_in(txn_.get(), environment_); }
    [[nodiscard]] std::optional<spi::StoreValue> get(std::string_view key) const noexcept override {
        return parse(environment_.get(txn_.get(), Environment::Table::kData, key));
    }
    void scan(std::string_view prefix, std::string_view from,
              spi::UniqueFunction<bool(std::string_view, const spi::StoreValue&)> each) const override {
        spi::UniqueFunction<bool(std::string_view, std::string_view)> parsing = [&each](std::string_view key,
                                                                                        std::string_view bytes) {
            const std::optional<spi::StoreValue> value = parse(bytes);
            return !value || each(key, *value);
        };
        environment_.scan(txn_.get(), Environment::Table::kData, prefix, from, parsing);
    }

private:
    const Environment& environment_;
    ReadTxn txn_;
};

}  // namespace

class LocalStore::Commit final : public WriteRequest {
public:
    Commit(LocalStore& store, spi::StoreCommit commit, spi::Completion<spi::Revision> done)
        : store_(store), commit_(std::move(commit)), done_(std::move(done)) {}

    spi::Status apply(MDB_txn* txn, bool& poisons) override {
        constexpr Environment::Table kData = Environment::Table::kData;
        for (const spi::StoreOp& op : commit_.ops) {
            if (spi::Status status = check_key(op.key, kLongestKey); !status) {
                return status;
            }
        }
        for (const spi::StoreCompare& compare : commit_.compares) {
            if (!holds(compare, parse(store_.environment_.get(txn, kData, compare.key)))) {
                return {spi::Code::kConflict, "the store's key " + printable(compare.key) + " has changed meanwhile"};
            }
        }
        revision_ = revision_in(txn, store_.environment_) + 1;
        const std::string stamp = encode_number(revision_);
        for (const spi::StoreOp& op : commit_.ops) {
            if (spi::Status status = put_or_remove(store_.environment_, txn, kData, op.key, stamp, op.value, poisons);
                !status) {
                return status;
            }
            poisons = true;  // from here on, a failure leaves half of the commit behind
        }
        spi::Status stored =
            put_or_remove(store_.environment_, txn, Environment::Table::kMeta, kRevisionKey, {}, stamp, poisons);
        poisons = !stored;
        return stored;
    }

    void finish(const spi::Status& outcome) noexcept override {
        if (!outcome) {
            done_(outcome);
            return;
        }
        store_.committed_.store(revision_, std::memory_order_release);
        store_.tell(commit_.ops, revision_);
        done_(revision_);
    }
    [[nodiscard]] bool adds() const noexcept override {
        return std::any_of(commit_.ops.begin(), commit_.ops.end(), [](const auto& op) { return op.value.has_value(); });
    }
    [[nodiscard]] std::size_t bytes() const noexcept override {
        std::size_t bytes = 0;
        for (const spi::StoreOp& op : commit_.ops) {
            bytes += op.key.size() + (op.value ? op.value->size() : 0);
        }
        return bytes;
    }

private:
    static bool holds(const spi::StoreCompare& compare, const std::optional<spi::StoreValue>& value) {
        switch (compare.kind) {
            case spi::StoreCompare::Kind::kAbsent: return !value;
            case spi::StoreCompare::Kind::kPresent: return value.has_value();
            case spi::StoreCompare::Kind::kRevisionIs: return value && value->revision == compare.revision;
        }
        return false;
    }

    LocalStore& store_;
    const spi::StoreCommit commit_;
    spi::Completion<spi::Revision> done_;
    spi::Revision revision_ = 0;
};

/// Changes nothing: it is done when everything before it is.
class LocalStore::Barrier final : public WriteRequest {
public:
    Barrier(LocalStore& store, spi::Completion<spi::Revision> done) : store_(store), done_(std::move(done)) {}

    spi::Status apply(MDB_txn*, bool&) override { return {}; }
    void finish(const spi::Status& outcome) noexcept override {
        if (outcome) {
            done_(store_.committed_.load(std::memory_order_acquire));
        } else {
            done_(outcome);
        }
    }

private:
    LocalStore& store_;
    spi::Completion<spi::Revision> done_;
};

void LocalStore::start() noexcept {
    const ReadTxn txn(environment_);
    committed_ = txn.get() == nullptr ? 0 : revision_in(txn.get(), environment_);
}

std::unique_ptr<spi::StoreSnapshot> LocalStore::snapshot() const noexcept {
    auto snapshot = std::make_unique<Snapshot>(environment_);
    return snapshot->is_open() ? std::move(snapshot) : nullptr;
}

void LocalStore::commit(spi::StoreCommit commit, spi::Completion<spi::Revision> done) noexcept {
    writer_.submit(std::make_unique<Commit>(*this, std::move(commit), std::move(done)));
}

void LocalStore::barrier(spi::Completion<spi::Revision> done) noexcept {
    writer_.submit(std::make_unique<Barrier>(*this, std::move(done)));
}

spi::Registration LocalStore::watch(std::string prefix, spi::Revision after,
                                    spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher) noexcept {
    std::lock_guard lock(watches_mutex_);
    watches_.push_back({std::move(prefix), after, std::move(watcher)});
    return spi::Registration([this, place = std::prev(watches_.end())] {
        std::lock_guard undo(watches_mutex_);
        watches_.erase(place);
    });
}

void LocalStore::tell(const std::vector<spi::StoreOp>& ops, spi::Revision revision) noexcept {
    std::lock_guard lock(watches_mutex_);
    for (Watch& watch : watches_) {
        if (revision <= watch.after) {
            continue;
        }
        std::vector<spi::StoreChange> changes;
        for (const spi::StoreOp& op : ops) {
            if (op.key.starts_with(watch.prefix)) {
                changes.push_back({op.key, op.value, revision});
            }
        }
        if (!changes.empty()) {
            watch.watcher(changes);
        }
    }
}

}  // namespace pharos::storage_lmdb
