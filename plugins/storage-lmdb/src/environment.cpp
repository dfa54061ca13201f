#include "environment.hpp"

#include <algorithm>
#include <system_error>

#include "file_check.hpp"

namespace pharos::storage_lmdb {

namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::uint64_t kFormat = 1;
constexpr unsigned kMaxReaders = 1024;
constexpr std::size_t kPooledReaders = 64;
constexpr const char* kTableNames[] = {"kv", "data", "meta"};

/// A transaction that is aborted unless it was committed.
class Txn {
public:
    explicit Txn(MDB_env* env) { code_ = mdb_txn_begin(env, nullptr, 0, &txn_); }
    ~Txn() {
        if (txn_ != nullptr) {
            mdb_txn_abort(txn_);
        }
    }
    Txn(const Txn&) = delete;
    Txn& operator=(const Txn&) = delete;
    [[nodiscard]] int code() const noexcept { return code_; }
    [[nodiscard]] MDB_txn* get() const noexcept { return txn_; }
    int commit() noexcept { return mdb_txn_commit(std::exchange(txn_, nullptr)); }

private:
    MDB_txn* txn_ = nullptr;
    int code_;
};

}  // namespace

spi::Status error_of(int code, std::string_view doing) {
    const bool full = code == MDB_MAP_FULL || code == ENOSPC;
    return {full ? spi::Code::kTooLarge : spi::Code::kInternal,
            "the store failed while " + std::string(doing) + ": " + mdb_strerror(code)};
}

spi::Status Environment::open() {
    if (settings_.max_bytes > settings_.map_bytes) {
        return {spi::Code::kInvalidArgument, "storage-lmdb.max_size (" + std::to_string(settings_.max_bytes) +
                                                 " bytes) is larger than storage-lmdb.map_size (" +
                                                 std::to_string(settings_.map_bytes) + " bytes)"};
    }
    std::error_code made;
    std::filesystem::create_directories(settings_.directory, made);
    if (made) {
        return {spi::Code::kUnavailable,
                "store directory " + settings_.directory.string() + " can't be made: " + made.message()};
    }
    if (spi::Status status = check_file(settings_.directory / "data.mdb"); !status) {
        return status;
    }
    int code = mdb_env_create(&env_);
    if (code == 0) {
        mdb_env_set_maxdbs(env_, 3);
        mdb_env_set_maxreaders(env_, kMaxReaders);
        code = mdb_env_set_mapsize(env_, settings_.map_bytes);
    }
    // Read transactions belong to objects, not to threads; and random reads gain nothing from read-ahead.
    code = code != 0 ? code : mdb_env_open(env_, settings_.directory.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (code != 0) {
        return error_of(code, "opening " + settings_.directory.string());
    }
    spi::Status status = open_tables();
    open_.store(status.is_ok(), std::memory_order_release);
    return status;
}

spi::Status Environment::open_tables() {
    const std::string where = "opening " + settings_.directory.string();
    Txn txn(env_);
    if (txn.code() != 0) {
        return error_of(txn.code(), where);
    }
    bool fresh = false;
    if (spi::Status status = check_owner(txn.get(), fresh); !status) {
        return status;
    }
    int code = 0;
    for (std::size_t i = 0; i < 3 && code == 0; ++i) {
        code = mdb_dbi_open(txn.get(), kTableNames[i], MDB_CREATE, &tables_[i]);
    }
    if (code == 0 && fresh) {
        const std::string number = encode_number(kFormat);
        MDB_val key = value_of(kFormatKey);
        MDB_val value = value_of(number);
        code = mdb_put(txn.get(), dbi(Table::kMeta), &key, &value, 0);
    }
    code = code != 0 ? code : txn.commit();
    return code == 0 ? spi::Status() : error_of(code, where);
}

spi::Status Environment::check_owner(MDB_txn* txn, bool& fresh) {
    MDB_dbi unnamed = 0;  // holds the names of all tables, or the entries of a program that uses no tables
    MDB_stat stat{};
    int code = mdb_dbi_open(txn, nullptr, 0, &unnamed);
    code = code != 0 ? code : mdb_stat(txn, unnamed, &stat);
    if (code != 0) {
        return error_of(code, "opening " + settings_.directory.string());
    }
    fresh = stat.ms_entries == 0;
    if (fresh) {
        return {};
    }
    MDB_dbi meta = 0;
    code = mdb_dbi_open(txn, kTableNames[static_cast<std::size_t>(Table::kMeta)], 0, &meta);
    if (code != 0 && code != MDB_NOTFOUND && code != MDB_INCOMPATIBLE) {
        return error_of(code, "opening " + settings_.directory.string());
    }
    const auto format = code == 0 ? get(txn, meta, kFormatKey) : std::nullopt;
    if (!format || format->size() != encode_number(kFormat).size()) {
        return {spi::Code::kInvalidArgument, settings_.directory.string() +
                                                 " holds the LMDB database of another program; the store needs a "
                                                 "directory of its own"};
    }
    if (decode_number(*format) != kFormat) {
        return {spi::Code::kInvalidArgument, settings_.directory.string() + " has store format " +
                                                 std::to_string(decode_number(*format)) +
                                                 "; this version knows format " + std::to_string(kFormat)};
    }
    return {};
}

Environment::~Environment() {
    for (MDB_txn* txn : pool_) {
        mdb_txn_abort(txn);
    }
    if (env_ != nullptr) {
        mdb_env_close(env_);
    }
}

std::uint64_t Environment::used_bytes(MDB_txn* txn) const noexcept {
    // From the tables, not from LMDB's list of free pages: that one can't be read within a write transaction.
    std::uint64_t bytes = 0;
    for (const MDB_dbi table : tables_) {
        MDB_stat stat{};
        if (mdb_stat(txn, table, &stat) == 0) {
            bytes += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
        }
    }
    return bytes;
}

MDB_txn* Environment::begin_read() noexcept {
    if (!is_open()) {
        return nullptr;
    }
    MDB_txn* txn = nullptr;
    {
        std::lock_guard lock(pool_mutex_);
        if (!pool_.empty()) {
            txn = pool_.back();
            pool_.pop_back();
        }
    }
    if (txn != nullptr) {
        if (mdb_txn_renew(txn) == 0) {
            return txn;
        }
        mdb_txn_abort(txn);
        return nullptr;
    }
    return mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn) == 0 ? txn : nullptr;
}

void Environment::end_read(MDB_txn* txn) noexcept {
    mdb_txn_reset(txn);
    {
        std::lock_guard lock(pool_mutex_);
        if (pool_.size() < kPooledReaders) {
            pool_.push_back(txn);
            return;
        }
    }
    mdb_txn_abort(txn);
}

std::optional<std::string_view> get(MDB_txn* txn, MDB_dbi dbi, std::string_view key) noexcept {
    MDB_val wanted = value_of(key);
    MDB_val found{};
    if (mdb_get(txn, dbi, &wanted, &found) != 0) {
        return std::nullopt;
    }
    return view_of(found);
}

void scan(MDB_txn* txn, MDB_dbi dbi, std::string_view prefix, std::string_view from,
          spi::UniqueFunction<bool(std::string_view, std::string_view)>& each) {
    MDB_cursor* cursor = nullptr;
    if (mdb_cursor_open(txn, dbi, &cursor) != 0) {
        return;
    }
    const std::string_view begin = std::max(prefix, from);
    MDB_val key = value_of(begin);
    MDB_val value{};
    int code = mdb_cursor_get(cursor, &key, &value, begin.empty() ? MDB_FIRST : MDB_SET_RANGE);
    while (code == 0 && view_of(key).starts_with(prefix) && each(view_of(key), view_of(value))) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
}

std::string encode_number(std::uint64_t number) {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[i] = static_cast<char>(number >> (8 * i) & 0xFF);
    }
    return bytes;
}

std::uint64_t decode_number(std::string_view bytes) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(8, bytes.size()); ++i) {
        number |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    return number;
}

}  // namespace pharos::storage_lmdb
