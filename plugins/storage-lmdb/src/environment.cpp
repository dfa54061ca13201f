#include "environment.hpp"

#include <algorithm>
#include <system_error>

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

spi::Result<std::unique_ptr<Environment>> Environment::open(const Settings& settings) {
    std::error_code made;
    std::filesystem::create_directories(settings.directory, made);
    if (made) {
        return spi::Status(spi::Code::kUnavailable,
                           "store directory " + settings.directory.string() + " can't be made: " + made.message());
    }
    std::unique_ptr<Environment> environment(new Environment(settings));
    const std::string where = "opening " + settings.directory.string();
    int code = mdb_env_create(&environment->env_);
    if (code == 0) {
        mdb_env_set_maxdbs(environment->env_, 3);
        mdb_env_set_maxreaders(environment->env_, kMaxReaders);
        code = mdb_env_set_mapsize(environment->env_, std::max(settings.map_bytes, settings.max_bytes * 2));
    }
    // Read transactions belong to objects, not to threads; and random reads gain nothing from read-ahead.
    code = code != 0 ? code
                     : mdb_env_open(environment->env_, settings.directory.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (code != 0) {
        return error_of(code, where);
    }
    if (spi::Status status = environment->open_tables(); !status) {
        return status;
    }
    return environment;
}

spi::Status Environment::open_tables() {
    const std::string where = "opening " + settings_.directory.string();
    Txn txn(env_);
    int code = txn.code();
    for (std::size_t i = 0; i < 3 && code == 0; ++i) {
        code = mdb_dbi_open(txn.get(), kTableNames[i], MDB_CREATE, &tables_[i]);
    }
    if (code != 0) {
        return error_of(code, where);
    }
    if (const auto format = get(txn.get(), dbi(Table::kMeta), kFormatKey)) {
        if (decode_number(*format) != kFormat) {
            return {spi::Code::kInvalidArgument, settings_.directory.string() + " has store format " +
                                                     std::to_string(decode_number(*format)) +
                                                     "; this version knows format " + std::to_string(kFormat)};
        }
    } else {
        const std::string number = encode_number(kFormat);
        MDB_val key = value_of(kFormatKey);
        MDB_val value = value_of(number);
        code = mdb_put(txn.get(), dbi(Table::kMeta), &key, &value, 0);
    }
    code = code != 0 ? code : txn.commit();
    return code == 0 ? spi::Status() : error_of(code, where);
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
