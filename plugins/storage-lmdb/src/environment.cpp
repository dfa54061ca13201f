#include "environment.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "file_check.hpp"
#include "sealed.hpp"

namespace pharos::storage_lmdb {

namespace {

constexpr unsigned kMaxReaders = 1024;
constexpr off_t kLockBytes = 68 << 10;  // 64 for each of them, and a head
constexpr std::size_t kPooledReaders = 64;
constexpr std::size_t kSealedAtOnce = 1000;
constexpr unsigned kFlags = MDB_NOTLS | MDB_NORDAHEAD;

/// A transaction that is aborted unless it was committed.
class Txn {
public:
    explicit Txn(MDB_env* env, unsigned flags = 0) { code_ = mdb_txn_begin(env, nullptr, flags, &txn_); }
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

/// LMDB makes its lock file sparse: with a full disk, the first reader in a new page of it would be killed.
spi::Status allocate_lock_file(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const int error = descriptor < 0 ? errno : ::posix_fallocate(descriptor, 0, kLockBytes);
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    return error == 0 ? spi::Status()
                      : spi::Status(spi::Code::kInternal, file.string() + " can't be written: " + std::strerror(error));
}

int sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int error = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    return error;
}

}  // namespace

spi::Status error_of(int code, std::string_view doing) {
    spi::Code kind = spi::Code::kInternal;
    if (code == ENOSPC || code == EDQUOT) {
        kind = spi::Code::kUnavailable;
    } else if (code == MDB_MAP_FULL) {
        kind = spi::Code::kTooLarge;
    }
    return {kind, "the store failed while " + std::string(doing) + ": " + mdb_strerror(code)};
}

MapGuard guard_map(MDB_txn* txn, MDB_dbi meta, const std::filesystem::path& file) {
    // LMDB does not tell where the map begins. Every page in it begins with its own number, so the page of any value
    // does.
    MDB_env* env = mdb_txn_env(txn);
    MDB_stat stat{};
    MDB_envinfo info{};
    MDB_val key = value_of(kFormatKey);
    MDB_val value{};
    if (mdb_env_stat(env, &stat) != 0 || mdb_env_info(env, &info) != 0 || mdb_get(txn, meta, &key, &value) != 0) {
        return {};
    }
    const auto* at = static_cast<const char*>(value.mv_data);
    const char* page = at - reinterpret_cast<std::uintptr_t>(at) % stat.ms_psize;
    return {page - number_at<std::uint64_t>(page) * stat.ms_psize, info.me_mapsize, file.string()};
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
    spi::Status status = std::filesystem::exists(settings_.directory / kDataFile, made) ? spi::Status() : make_new();
    status = status ? open_files() : status;
    status = status ? open_tables() : status;
    if (status) {
        if (const Txn txn(env_, MDB_RDONLY); txn.code() == 0) {
            guard_ = guard_map(txn.get(), dbi(Table::kMeta), settings_.directory / kDataFile);
        }
    }
    open_.store(status.is_ok(), std::memory_order_release);
    return status;
}

spi::Status Environment::make_new() {
    const std::filesystem::path place = settings_.directory / "unfinished";
    std::error_code error;
    std::filesystem::remove_all(place, error);
    std::filesystem::create_directories(place, error);
    {
        Environment made({place, settings_.map_bytes, settings_.max_bytes});
        spi::Status status = made.open_files();
        status = status ? made.open_tables() : status;
        if (!status) {
            return status;
        }
    }
    std::filesystem::rename(place / kDataFile, settings_.directory / kDataFile, error);
    if (error) {
        return {spi::Code::kInternal,
                (settings_.directory / kDataFile).string() + " can't be made: " + error.message()};
    }
    std::filesystem::remove_all(place, error);
    for (const std::filesystem::path& folder :
         {settings_.directory, std::filesystem::absolute(settings_.directory).parent_path()}) {
        if (const int code = sync_folder(folder); code != 0) {
            return {spi::Code::kInternal, folder.string() + " can't be synced: " + std::strerror(code)};
        }
    }
    return {};
}

spi::Status Environment::open_files() {
    const std::filesystem::path file = settings_.directory / kDataFile;
    spi::Status status = check_file(file);
    status = status ? settle_older_meta(file) : status;
    status = status ? allocate_lock_file(settings_.directory / "lock.mdb") : status;
    if (!status) {
        return status;
    }
    int code = mdb_env_create(&env_);
    if (code == 0) {
        mdb_env_set_maxdbs(env_, 3);
        mdb_env_set_maxreaders(env_, kMaxReaders);
        code = mdb_env_set_mapsize(env_, settings_.map_bytes);
    }
    // Read transactions belong to objects, not to threads; and random reads gain nothing from read-ahead.
    code = code != 0 ? code : mdb_env_open(env_, settings_.directory.c_str(), kFlags, 0600);
    if (code != 0) {
        return error_of(code, "opening " + settings_.directory.string());
    }
    return {};
}

spi::Status Environment::open_tables() {
    const std::string where = "opening " + settings_.directory.string();
    Txn txn(env_);
    if (txn.code() != 0) {
        return error_of(txn.code(), where);
    }
    spi::Result<std::uint64_t> format = check_owner(txn.get());
    if (!format) {
        return format.error();
    }
    int code = 0;
    for (std::size_t i = 0; i < 3 && code == 0; ++i) {
        code = mdb_dbi_open(txn.get(), kTableNames[i], MDB_CREATE, &tables_[i]);
    }
    if (code == 0 && *format == kUnsealedFormat) {
        code = seal_all(txn.get());
    }
    if (code == 0 && *format != kFormat) {
        const std::string number = encode_number(kFormat);
        MDB_val key = value_of(kFormatKey);
        MDB_val value = value_of(number);
        code = mdb_put(txn.get(), dbi(Table::kMeta), &key, &value, 0);
    }
    code = code != 0 ? code : txn.commit();
    return code == 0 ? spi::Status() : error_of(code, where);
}

spi::Result<std::uint64_t> Environment::check_owner(MDB_txn* txn) {
    MDB_dbi unnamed = 0;  // holds the names of all tables, or the entries of a program that uses no tables
    MDB_stat stat{};
    int code = mdb_dbi_open(txn, nullptr, 0, &unnamed);
    code = code != 0 ? code : mdb_stat(txn, unnamed, &stat);
    if (code != 0) {
        return error_of(code, "opening " + settings_.directory.string());
    }
    if (stat.ms_entries == 0) {
        return std::uint64_t{0};
    }
    MDB_dbi meta = 0;
    code = mdb_dbi_open(txn, kTableNames[static_cast<std::size_t>(Table::kMeta)], 0, &meta);
    if (code != 0 && code != MDB_NOTFOUND && code != MDB_INCOMPATIBLE) {
        return error_of(code, "opening " + settings_.directory.string());
    }
    MDB_val key = value_of(kFormatKey);
    MDB_val value{};
    if (code != 0 || mdb_get(txn, meta, &key, &value) != 0 || value.mv_size != encode_number(kFormat).size()) {
        return spi::Status(spi::Code::kInvalidArgument, settings_.directory.string() +
                                                            " holds the LMDB database of another program; the store "
                                                            "needs a directory of its own");
    }
    const std::uint64_t format = decode_number(view_of(value));
    if (format != kFormat && format != kUnsealedFormat) {
        return spi::Status(spi::Code::kInvalidArgument, settings_.directory.string() + " has store format " +
                                                            std::to_string(format) + "; this version knows format " +
                                                            std::to_string(kFormat));
    }
    return format;
}

int Environment::seal_all(MDB_txn* txn) {
    for (const Table table : {Table::kKv, Table::kData, Table::kMeta}) {
        std::string last;
        for (bool more = true; more;) {
            std::vector<std::pair<std::string, std::string>> entries;
            MDB_cursor* cursor = nullptr;
            if (const int code = mdb_cursor_open(txn, dbi(table), &cursor); code != 0) {
                return code;
            }
            // The smallest key behind the last one is that with a NUL at its end.
            MDB_val key = value_of(last);
            MDB_val value{};
            int code = mdb_cursor_get(cursor, &key, &value, last.empty() ? MDB_FIRST : MDB_SET_RANGE);
            for (; code == 0 && entries.size() < kSealedAtOnce; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
                entries.emplace_back(view_of(key), view_of(value));
            }
            mdb_cursor_close(cursor);
            if (code != 0 && code != MDB_NOTFOUND) {
                return code;
            }
            more = code == 0;
            for (const auto& [name, bytes] : entries) {
                last = name + '\0';
                const bool is_format = table == Table::kMeta && name == kFormatKey;
                if (const int put_code = is_format ? 0 : put(txn, table, name, {}, bytes); put_code != 0) {
                    return put_code;
                }
            }
        }
    }
    return 0;
}

Environment::~Environment() {
    for (MDB_txn* txn : pool_) {
        mdb_txn_abort(txn);
    }
    for (MDB_env* env : {frozen_, env_}) {
        if (env != nullptr) {
            mdb_env_close(env);
        }
    }
}

std::uint64_t Environment::disk_room() const noexcept {
    struct statvfs facts {};
    return ::statvfs(settings_.directory.c_str(), &facts) == 0 ? facts.f_bavail * facts.f_frsize : 0;
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

std::optional<std::string_view> Environment::get(MDB_txn* txn, Table table, std::string_view key) const noexcept {
    MDB_val wanted = value_of(key);
    MDB_val found{};
    const int code = mdb_get(txn, dbi(table), &wanted, &found);
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) {
        return std::nullopt;
    }
    if (code != 0) {
        end_damaged(table, key, mdb_strerror(code));
    }
    std::optional<std::string_view> bytes = open_seal(key, view_of(found));
    if (!bytes) {
        end_damaged(table, key, "its checksum differs");
    }
    return bytes;
}

void Environment::scan(MDB_txn* txn, Table table, std::string_view prefix, std::string_view from,
                       spi::UniqueFunction<bool(std::string_view, std::string_view)>& each) const {
    MDB_cursor* cursor = nullptr;
    if (const int code = mdb_cursor_open(txn, dbi(table), &cursor); code != 0) {
        end_damaged(table, from, mdb_strerror(code));
    }
    const std::string_view begin = std::max(prefix, from);
    MDB_val key = value_of(begin);
    MDB_val value{};
    int code = mdb_cursor_get(cursor, &key, &value, begin.empty() ? MDB_FIRST : MDB_SET_RANGE);
    while (code == 0 && view_of(key).starts_with(prefix)) {
        const std::optional<std::string_view> bytes = open_seal(view_of(key), view_of(value));
        if (!bytes) {
            end_damaged(table, view_of(key), "its checksum differs");
        }
        if (!each(view_of(key), *bytes)) {
            break;
        }
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (code != 0 && code != MDB_NOTFOUND) {
        end_damaged(table, from, mdb_strerror(code));
    }
    mdb_cursor_close(cursor);
}

int Environment::put(MDB_txn* txn, Table table, std::string_view key, std::string_view head,
                     std::string_view value) const noexcept {
    MDB_val name = value_of(key);
    MDB_val space{kSealBytes + head.size() + value.size(), nullptr};
    if (const int code = mdb_put(txn, dbi(table), &name, &space, MDB_RESERVE); code != 0) {
        return code;
    }
    char* at = static_cast<char*>(space.mv_data);
    write_seal(at, seal_of(key, head, value));
    std::copy(value.begin(), value.end(), std::copy(head.begin(), head.end(), at + kSealBytes));
    return 0;
}

int Environment::commit_nothing() noexcept {
    Txn txn(env_);
    if (txn.code() != 0) {
        return txn.code();
    }
    const std::string number = encode_number(kFormat);
    MDB_val key = value_of(kFormatKey);
    MDB_val value = value_of(number);
    const int code = mdb_put(txn.get(), dbi(Table::kMeta), &key, &value, 0);
    return code != 0 ? code : txn.commit();
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
    }
    int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    if (code == MDB_PANIC) {
        MDB_env* reading = frozen();
        code = reading == nullptr ? code : mdb_txn_begin(reading, nullptr, MDB_RDONLY, &txn);
    }
    return code == 0 ? txn : nullptr;
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

bool Environment::is_frozen() noexcept {
    MDB_txn* txn = nullptr;
    const int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    if (code == 0) {
        mdb_txn_abort(txn);
    }
    return code == MDB_PANIC;
}

MDB_env* Environment::frozen() noexcept {
    const std::lock_guard lock(frozen_mutex_);
    if (frozen_ != nullptr) {
        return frozen_;
    }
    MDB_env* env = nullptr;
    if (mdb_env_create(&env) != 0) {
        return nullptr;
    }
    // Without locks: those of the first environment would end with this one, and nobody writes any more.
    mdb_env_set_maxdbs(env, 3);
    mdb_env_set_mapsize(env, settings_.map_bytes);
    if (mdb_env_open(env, settings_.directory.c_str(), kFlags | MDB_RDONLY | MDB_NOLOCK, 0600) == 0) {
        Txn txn(env, MDB_RDONLY);
        // Handles are given out in the order of opening: they are to be the same in both.
        std::size_t order[] = {0, 1, 2};
        std::sort(std::begin(order), std::end(order), [this](auto a, auto b) { return tables_[a] < tables_[b]; });
        bool same = txn.code() == 0;
        for (const std::size_t i : order) {
            MDB_dbi table = 0;
            same = same && mdb_dbi_open(txn.get(), kTableNames[i], 0, &table) == 0 && table == tables_[i];
        }
        if (same) {
            frozen_guard_ = guard_map(txn.get(), dbi(Table::kMeta), settings_.directory / kDataFile);
        }
        if (same && txn.commit() == 0) {
            return frozen_ = env;
        }
    }
    mdb_env_close(env);
    return nullptr;
}

void Environment::end_damaged(Table table, std::string_view key, std::string_view what) const noexcept {
    storage_lmdb::end_damaged((settings_.directory / kDataFile).string(),
                              std::string("table ") + kTableNames[static_cast<std::size_t>(table)] + ", key " +
                                  printable(key) + ": " + std::string(what));
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

std::string printable(std::string_view key) {
    std::string text(key);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, '|');
    return text;
}

}  // namespace pharos::storage_lmdb
