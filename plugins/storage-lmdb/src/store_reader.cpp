#include "store_reader.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

namespace pharos::storage_lmdb {

namespace {

constexpr int kTries = 100;
constexpr const char* kLockFile = "lock.mdb";

/// LMDB makes a lock file when there is none. One that root made would lock out the server's own user.
void give_to_owner_of(const std::filesystem::path& file, const std::filesystem::path& made) {
    struct stat facts {};
    if (::geteuid() == 0 && ::stat(file.c_str(), &facts) == 0) {
        (void)!::chown(made.c_str(), facts.st_uid, facts.st_gid);
    }
}

}  // namespace

spi::Result<std::unique_ptr<StoreReader>> StoreReader::open(const std::filesystem::path& directory, Environment& own) {
    std::unique_ptr<StoreReader> reader(new StoreReader());
    reader->path_ = directory / kDataFile;
    // Before LMDB maps it: what is no database, and a file that can't be read.
    spi::Result<PageFile> file = PageFile::open(reader->path_);
    if (!file) {
        return file.error();
    }
    if (!file->newest_meta()) {
        return spi::Status(spi::Code::kInvalidArgument,
                           reader->path_.string() + " is no store, or its first pages are damaged");
    }
    std::error_code ignored;
    if (own.is_open() && std::filesystem::equivalent(own.directory(), directory, ignored)) {
        reader->env_ = own.raw();
    } else {
        const bool has_lock = std::filesystem::exists(directory / kLockFile, ignored);
        int code = mdb_env_create(&reader->env_);
        reader->owns_env_ = code == 0;
        if (code == 0) {
            mdb_env_set_maxdbs(reader->env_, 3);
            code = mdb_env_open(reader->env_, directory.c_str(), MDB_RDONLY | MDB_NOTLS | MDB_NORDAHEAD, 0600);
        }
        if (code != 0) {
            return spi::Status(spi::Code::kInternal, directory.string() + " can't be opened: " + mdb_strerror(code) +
                                                         "; run this as the user that the server runs as");
        }
        if (!has_lock) {
            give_to_owner_of(reader->path_, directory / kLockFile);
        }
    }
    if (spi::Status held = reader->hold(); !held) {
        return held;
    }
    return reader;
}

spi::Status StoreReader::hold() {
    // The meta page of the state may be overwritten before it is read here, when two commits come in between.
    for (int i = 0; i < kTries; ++i) {
        const int code = txn_ == nullptr ? mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn_) : mdb_txn_renew(txn_);
        if (code != 0) {
            return {spi::Code::kInternal, path_.string() + " can't be read: " + mdb_strerror(code)};
        }
        spi::Result<PageFile> file = PageFile::open(path_);
        if (!file) {
            return file.error();
        }
        const std::uint64_t state = mdb_txn_id(txn_);
        if (const auto meta = file->meta(0) ? file->meta(static_cast<int>(state % 2)) : std::nullopt;
            meta && meta->transaction == state) {
            file_.emplace(std::move(file.value()));
            meta_ = *meta;
            return {};
        }
        mdb_txn_reset(txn_);
    }
    return {spi::Code::kInternal, path_.string() + " is damaged: its meta pages do not name the last commit"};
}

spi::Status StoreReader::guard() {
    MDB_dbi meta = 0;
    if (const int code = mdb_dbi_open(txn_, kTableNames[static_cast<std::size_t>(Environment::Table::kMeta)], 0, &meta);
        code != 0) {
        return error_of(code, "opening " + path_.string());
    }
    guard_ = guard_map(txn_, meta, path_);
    return {};
}

StoreReader::~StoreReader() {
    if (txn_ != nullptr) {
        mdb_txn_abort(txn_);
    }
    if (owns_env_) {
        mdb_env_close(env_);
    }
}

}  // namespace pharos::storage_lmdb
