#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/services.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// Version of the whole store; grows by at least one with every commit.
using Revision = std::uint64_t;

/// A value with the revision that it was written at.
struct StoreValue {
    std::string_view value;
    Revision revision = 0;
};

/// A consistent view at one revision. Keep it briefly. One thread at a time.
class StoreSnapshot {
public:
    virtual ~StoreSnapshot() = default;

    [[nodiscard]] virtual Revision revision() const noexcept = 0;
    /// Valid while the snapshot lives.
    [[nodiscard]] virtual std::optional<StoreValue> get(std::string_view key) const noexcept = 0;
    /// Calls `each(key, value)` in key order for keys that start with `prefix` and are not before `from`, until it
    /// returns false or none is left.
    virtual void scan(std::string_view prefix, std::string_view from,
                      UniqueFunction<bool(std::string_view, const StoreValue&)> each) const = 0;
};

/// A condition on one key.
struct StoreCompare {
    enum class Kind : std::uint8_t { kAbsent = 0, kPresent = 1, kRevisionIs = 2 };
    std::string key;
    Kind kind = Kind::kAbsent;
    Revision revision = 0;  ///< for kRevisionIs
};

/// A put, or a removal when there is no value.
struct StoreOp {
    std::string key;  ///< 1 to 480 bytes
    std::optional<std::string> value;
};

/// Compares that must all hold, and ops that then take effect together, at one revision.
struct StoreCommit {
    std::vector<StoreCompare> compares;
    std::vector<StoreOp> ops;
};

/// One changed key, as a watcher sees it. Views are valid for the call.
struct StoreChange {
    std::string_view key;
    std::optional<std::string_view> value;  ///< nothing = removed
    Revision revision = 0;
};

/// What everything durable is written with (the CP consistency interface): one node, or a replicated group behind the
/// same calls. Any thread.
class Store {
public:
    static constexpr std::string_view kInterface = "pharos.Store/1";

    /// Null only when the store has failed or is stopping.
    [[nodiscard]] virtual std::unique_ptr<StoreSnapshot> snapshot() const noexcept = 0;
    /// Done with the commit's revision once it is durable, readable here, and watchers here have been told. `done`
    /// runs on the store's thread. Errors: kConflict (a compare did not hold), kInvalidArgument, kTooLarge,
    /// kUnavailable (no leader, stopping), kTimeout (unknown outcome), kInternal.
    virtual void commit(StoreCommit commit, Completion<Revision> done) noexcept = 0;
    /// Called on the store's thread with the changes of one revision to keys that start with the prefix, in revision
    /// order, for every revision greater than `after`. Must be quick. What is older than the watch itself is not told
    /// again: read a snapshot, then watch from its revision, within one start(). Once the registration's destructor
    /// has returned the watcher is called no more.
    virtual Registration watch(std::string prefix, Revision after,
                               UniqueFunction<void(std::span<const StoreChange>)> watcher) noexcept = 0;
    /// Ok while commits are taken; else why they are not now, such as a full disk. From memory; any thread.
    [[nodiscard]] virtual Status readiness() const noexcept = 0;
    /// Done when everything that was committed before the call, on any node, is readable here.
    virtual void barrier(Completion<Revision> done) noexcept = 0;

protected:
    ~Store() = default;
};

}  // namespace pharos::spi
