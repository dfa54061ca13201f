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

namespace pharos::storage_lmdb {

/// Error of an LMDB call as a Status that names what was being done.
[[nodiscard]] spi::Status error_of(int code, std::string_view doing);

/// The LMDB environment with its three tables: "kv" and "data" hold the bytes of the KvStore and of the Store, "meta"
/// the format and the revision. Any thread may read; one thread writes.
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
    /// used; the file is no LMDB file, truncated, another program's, or of a format that this version does not know.
    spi::Status open();
    [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }

    enum class Table { kKv = 0, kData = 1, kMeta = 2 };
    [[nodiscard]] MDB_dbi dbi(Table table) const noexcept { return tables_[static_cast<std::size_t>(table)]; }
    [[nodiscard]] MDB_env* raw() const noexcept { return env_; }
    [[nodiscard]] std::uint64_t max_bytes() const noexcept { return settings_.max_bytes; }

    /// Bytes of all pages that hold something, as of the transaction; with its own changes. Constant time.
    [[nodiscard]] std::uint64_t used_bytes(MDB_txn* txn) const noexcept;

    /// A read transaction, taken from a pool; null when LMDB gives none, or before open(). Give it back with
    /// end_read().
    [[nodiscard]] MDB_txn* begin_read() noexcept;
    void end_read(MDB_txn* txn) noexcept;

private:
    spi::Status open_tables();
    /// Whether the file is ours, or new: `fresh`.
    spi::Status check_owner(MDB_txn* txn, bool& fresh);

    const Settings settings_;
    MDB_env* env_ = nullptr;
    MDB_dbi tables_[3] = {};
    std::atomic<bool> open_{false};
    std::mutex pool_mutex_;
    std::vector<MDB_txn*> pool_;  ///< reset read transactions
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

/// The value of a key; nothing when it is absent or can't be a key.
[[nodiscard]] std::optional<std::string_view> get(MDB_txn* txn, MDB_dbi dbi, std::string_view key) noexcept;
/// Calls `each` in key order for keys that start with `prefix` and are not before `from`, until it returns false.
void scan(MDB_txn* txn, MDB_dbi dbi, std::string_view prefix, std::string_view from,
          spi::UniqueFunction<bool(std::string_view, std::string_view)>& each);

/// 64 bits, little endian.
[[nodiscard]] std::string encode_number(std::uint64_t number);
[[nodiscard]] std::uint64_t decode_number(std::string_view bytes) noexcept;

inline constexpr std::string_view kRevisionKey = "revision";

}  // namespace pharos::storage_lmdb
