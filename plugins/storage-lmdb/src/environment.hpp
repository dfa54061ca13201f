#pragma once

#include <lmdb.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/function.hpp>
#include <pharos/spi/status.hpp>

#include "map_guard.hpp"

namespace pharos::storage_lmdb {

/// Error of an LMDB call as a Status that names what was being done. kUnavailable: the disk is full; kTooLarge: the
/// address space is used up.
[[nodiscard]] spi::Status error_of(int code, std::string_view doing);

inline constexpr const char* kTableNames[] = {"kv", "data", "meta"};
inline constexpr const char* kDataFile = "data.mdb";

/// The LMDB environment with its three tables: "kv" and "data" hold the bytes of the KvStore and of the Store, "meta"
/// the format and the revision. Any thread may read; one thread writes. All values but the format are sealed
/// (sealed.hpp); one that is not what was written ends the process: it must not be served, and to say that it is
/// absent would be as wrong.
///
/// Address space for the map is reserved once and never changed, so that no transaction is ever in the way of a
/// resize; how much of it may be used is a limit of its own.
class Environment {
public:
    struct Settings {
        std::filesystem::path directory;
        std::uint64_t map_bytes = std::uint64_t{64} << 30;  ///< address space, not memory
        std::uint64_t max_bytes = std::uint64_t{16} << 30;
    };

    explicit Environment(Settings settings) : settings_(std::move(settings)) {}
    ~Environment();
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    /// To be called once, before anything else. Errors: the settings contradict each other; the directory can't be
    /// used; the file is no LMDB file, truncated, damaged, another program's, or of a format that this version does
    /// not know.
    spi::Status open();
    [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }

    enum class Table { kKv = 0, kData = 1, kMeta = 2 };
    [[nodiscard]] MDB_dbi dbi(Table table) const noexcept { return tables_[static_cast<std::size_t>(table)]; }
    [[nodiscard]] MDB_env* raw() const noexcept { return env_; }
    [[nodiscard]] std::uint64_t max_bytes() const noexcept { return settings_.max_bytes; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return settings_.directory; }
    /// What its filesystem still takes.
    [[nodiscard]] std::uint64_t disk_room() const noexcept;

    /// Bytes of all pages that hold something, as of the transaction; with its own changes. Constant time.
    [[nodiscard]] std::uint64_t used_bytes(MDB_txn* txn) const noexcept;

    /// The value of a key; nothing when it is absent or can't be a key.
    [[nodiscard]] std::optional<std::string_view> get(MDB_txn* txn, Table table, std::string_view key) const noexcept;
    /// Calls `each` in key order for keys that start with `prefix` and are not before `from`, until it returns false.
    void scan(MDB_txn* txn, Table table, std::string_view prefix, std::string_view from,
              spi::UniqueFunction<bool(std::string_view, std::string_view)>& each) const;
    /// Puts `head` and `value`, one after the other. An LMDB code.
    [[nodiscard]] int put(MDB_txn* txn, Table table, std::string_view key, std::string_view head,
                          std::string_view value) const noexcept;

    /// Commits a transaction that changes nothing, to see whether the disk takes it. An LMDB code.
    [[nodiscard]] int commit_nothing() noexcept;

    /// A read transaction, taken from a pool; null when LMDB gives none, or before open(). Give it back with
    /// end_read().
    [[nodiscard]] MDB_txn* begin_read() noexcept;
    void end_read(MDB_txn* txn) noexcept;

    /// After a failed write of a meta page LMDB refuses everything, reads too. Whether that has happened; reads then
    /// come from a second, read-only environment on the same file, which nobody writes any more.
    [[nodiscard]] bool is_frozen() noexcept;

private:
    /// Makes the file of an empty store beside and gives it its name when it is on disk: a power cut in the very first
    /// moment leaves no store, and not half of one, which could not be told from a damaged one.
    spi::Status make_new();
    spi::Status open_files();
    spi::Status open_tables();
    /// Of which format the file is; 0: it is new.
    spi::Result<std::uint64_t> check_owner(MDB_txn* txn);
    /// Seals the values of format 1.
    int seal_all(MDB_txn* txn);
    MDB_env* frozen() noexcept;
    [[noreturn]] void end_damaged(Table table, std::string_view key, std::string_view what) const noexcept;

    const Settings settings_;
    MDB_env* env_ = nullptr;
    MDB_dbi tables_[3] = {};
    MapGuard guard_;
    std::atomic<bool> open_{false};
    std::mutex pool_mutex_;
    std::vector<MDB_txn*> pool_;  ///< reset read transactions
    std::mutex frozen_mutex_;
    MDB_env* frozen_ = nullptr;
    MapGuard frozen_guard_;
};

/// A read transaction that ends with this object.
class ReadTxn {
public:
    explicit ReadTxn(Environment& environment) noexcept : environment_(environment), txn_(environment.begin_read()) {}
    ~ReadTxn() {
        if (txn_ != nullptr) {
            environment_.end_read(txn_);
        }
    }
    ReadTxn(const ReadTxn&) = delete;
    ReadTxn& operator=(const ReadTxn&) = delete;

    [[nodiscard]] MDB_txn* get() const noexcept { return txn_; }

private:
    Environment& environment_;
    MDB_txn* const txn_;
};

[[nodiscard]] inline MDB_val value_of(std::string_view bytes) noexcept {
    return {bytes.size(), const_cast<char*>(bytes.data())};
}
[[nodiscard]] inline std::string_view view_of(const MDB_val& value) noexcept {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// Guards the map that a read transaction reads from; the table "meta" holds the key "format".
[[nodiscard]] MapGuard guard_map(MDB_txn* txn, MDB_dbi meta, const std::filesystem::path& file);

/// 64 bits, little endian.
[[nodiscard]] std::string encode_number(std::uint64_t number);
[[nodiscard]] std::uint64_t decode_number(std::string_view bytes) noexcept;

/// Keys hold NULs between their parts, and whatever clients send.
[[nodiscard]] std::string printable(std::string_view key);

}  // namespace pharos::storage_lmdb
