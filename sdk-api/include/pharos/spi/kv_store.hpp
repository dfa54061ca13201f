#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// A consistent view of a KvStore. Keep it briefly: it holds back the reuse of pages. One thread at a time.
class KvSnapshot {
public:
    virtual ~KvSnapshot() = default;

    /// The value, valid while the snapshot lives; nothing when the key is absent.
    [[nodiscard]] virtual std::optional<std::string_view> get(std::string_view key) const noexcept = 0;
    /// Calls `each(key, value)` in key order for the keys that start with `prefix` and are not before `from`, until
    /// it returns false or none is left.
    virtual void scan(std::string_view prefix, std::string_view from,
                      UniqueFunction<bool(std::string_view, std::string_view)> each) const = 0;
};

/// Puts and removals that take effect together or not at all.
struct KvBatch {
    struct Op {
        std::string key;                   ///< 1 to 511 bytes
        std::optional<std::string> value;  ///< nothing = remove
    };
    std::vector<Op> ops;
};

enum class Durability : std::uint8_t {
    kDurable = 0,  ///< synced to disk before done
    kLazy = 1,     ///< visible when done; on disk within 100 ms
};

/// Ordered bytes to bytes on one node (`docs/architecture.md`, storage). Any thread.
class KvStore {
public:
    static constexpr std::string_view kInterface = "pharos.KvStore/1";

    /// Null only when the store has failed or is stopping.
    [[nodiscard]] virtual std::unique_ptr<KvSnapshot> snapshot() const noexcept = 0;
    /// `done` runs on the writer thread, in the order of the writes, after the batch can be read. Errors:
    /// kInvalidArgument (key length), kTooLarge (the store's size limit), kUnavailable (disk full, or stopping),
    /// kInternal (disk).
    virtual void write(KvBatch batch, Durability durability, Completion<bool> done) noexcept = 0;

protected:
    ~KvStore() = default;
};

}  // namespace pharos::spi
