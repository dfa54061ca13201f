#pragma once

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/store.hpp>

namespace pharos::testing {

/// A store in memory, which keeps what spi::Store promises but for the thread of its calls: completions and watchers
/// run in commit(), or in flush() when `manual` is set.
class MemoryStore : public spi::Store {
public:
    virtual ~MemoryStore() = default;

    using Data = std::map<std::string, std::pair<std::string, spi::Revision>, std::less<>>;

    class Snapshot final : public spi::StoreSnapshot {
    public:
        Snapshot(Data data, spi::Revision revision) : data_(std::move(data)), revision_(revision) {}
        [[nodiscard]] spi::Revision revision() const noexcept override { return revision_; }
        [[nodiscard]] std::optional<spi::StoreValue> get(std::string_view key) const noexcept override {
            const auto found = data_.find(key);
            return found == data_.end() ? std::nullopt
                                        : std::optional(spi::StoreValue{found->second.first, found->second.second});
        }
        void scan(std::string_view prefix, std::string_view from,
                  spi::UniqueFunction<bool(std::string_view, const spi::StoreValue&)> each) const override {
            for (auto at = data_.lower_bound(std::max(prefix, from)); at != data_.end(); ++at) {
                if (!at->first.starts_with(prefix) || !each(at->first, {at->second.first, at->second.second})) {
                    return;
                }
            }
        }

    private:
        Data data_;
        spi::Revision revision_;
    };

    [[nodiscard]] std::unique_ptr<spi::StoreSnapshot> snapshot() const noexcept override {
        std::lock_guard lock(mutex_);
        return broken ? nullptr : std::make_unique<Snapshot>(data, revision);
    }
    void commit(spi::StoreCommit commit, spi::Completion<spi::Revision> done) noexcept override {
        std::lock_guard lock(mutex_);
        queue_.emplace_back(std::move(commit), std::move(done));
        if (!manual) {
            flush();
        }
    }
    spi::Registration watch(std::string prefix, spi::Revision after,
                            spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher) noexcept override {
        std::lock_guard lock(mutex_);
        watches_.push_back({std::move(prefix), after, std::move(watcher)});
        return spi::Registration([this, place = std::prev(watches_.end())] {
            std::lock_guard undo(mutex_);
            watches_.erase(place);
        });
    }
    void barrier(spi::Completion<spi::Revision> done) noexcept override {
        std::lock_guard lock(mutex_);
        flush();
        done(revision);
    }
    [[nodiscard]] spi::Status readiness() const noexcept override { return failure; }

    void flush() {
        std::lock_guard lock(mutex_);
        while (!queue_.empty()) {
            auto [commit, done] = std::move(queue_.front());
            queue_.pop_front();
            done(failure ? take(commit) : spi::Result<spi::Revision>(failure));
        }
    }

    bool manual = false;
    bool broken = false;  ///< gives no snapshots
    spi::Status failure;  ///< of every commit, unless it is ok
    Data data;
    spi::Revision revision = 0;

private:
    spi::Result<spi::Revision> take(const spi::StoreCommit& commit) {
        using Kind = spi::StoreCompare::Kind;
        for (const spi::StoreCompare& compare : commit.compares) {
            const auto found = data.find(compare.key);
            const bool there = found != data.end();
            if (compare.kind == Kind::kAbsent    ? there
                : compare.kind == Kind::kPresent ? !there
                                                 : !there || found->second.second != compare.revision) {
                return spi::Status(spi::Code::kConflict, compare.key + " changed meanwhile");
            }
        }
        for (const spi::StoreOp& op : commit.ops) {
            if (op.key.empty() || op.key.size() > kMaxKey) {
                return spi::Status(spi::Code::kInvalidArgument,
                                   "a key has " + std::to_string(op.key.size()) + " bytes, allowed are 1 to 480");
            }
        }
        ++revision;
        for (const spi::StoreOp& op : commit.ops) {
            if (op.value) {
                data[op.key] = {*op.value, revision};
            } else {
                data.erase(op.key);
            }
        }
        for (Watch& watch : watches_) {
            if (revision <= watch.after) {
                continue;
            }
            std::vector<spi::StoreChange> changes;
            for (const spi::StoreOp& op : commit.ops) {
                if (op.key.starts_with(watch.prefix)) {
                    changes.push_back({op.key, op.value, revision});
                }
            }
            if (!changes.empty()) {
                watch.watcher(changes);
            }
        }
        return revision;
    }

    static constexpr std::size_t kMaxKey = 480;

    struct Watch {
        std::string prefix;
        spi::Revision after;
        spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher;
    };
    mutable std::recursive_mutex mutex_;  ///< a completion may commit again
    std::deque<std::pair<spi::StoreCommit, spi::Completion<spi::Revision>>> queue_;
    std::list<Watch> watches_;
};

}  // namespace pharos::testing
