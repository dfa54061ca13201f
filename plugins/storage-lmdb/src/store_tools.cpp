#include "store_tools.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <system_error>
#include <vector>

#include "file_check.hpp"
#include "page_walk.hpp"
#include "store_reader.hpp"

namespace pharos::storage_lmdb {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopiedAtOnce = std::size_t{1} << 20;

spi::Status failed(const fs::path& file, std::string_view doing, int error) {
    return {spi::Code::kInternal, file.string() + " can't be " + std::string(doing) + ": " + std::strerror(error)};
}

/// A descriptor that is closed at the end.
class File {
public:
    File(const fs::path& path, int flags, mode_t mode = 0) : number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    ~File() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] int number() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

private:
    const int number_;
};

/// A file that is removed at the end, unless it has got its real name.
class Unfinished {
public:
    explicit Unfinished(fs::path path) : path_(std::move(path)) {}
    ~Unfinished() {
        if (!finished_) {
            ::unlink(path_.c_str());
        }
    }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    [[nodiscard]] const fs::path& path() const noexcept { return path_; }
    void finish() noexcept { finished_ = true; }

private:
    const fs::path path_;
    bool finished_ = false;
};

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

spi::Status sync_folder(const fs::path& folder) {
    const File opened(folder, O_RDONLY | O_DIRECTORY);
    return opened.is_open() && ::fsync(opened.number()) == 0 ? spi::Status() : failed(folder, "synced", errno);
}

/// The newest state of a file that nobody writes, which must be whole.
spi::Result<spi::StoreReport> inspect_file(const fs::path& path) {
    spi::Result<PageFile> file = PageFile::open(path);
    if (!file) {
        return file.error();
    }
    const std::optional<PageFile::Meta> meta = file->newest_meta();
    if (!meta) {
        return spi::Status(spi::Code::kInvalidArgument, path.string() + " is no store, or its first pages are damaged");
    }
    return inspect(*file, *meta);
}

spi::Result<spi::StoreReport> whole(spi::Result<spi::StoreReport> report, spi::Code otherwise) {
    if (report && !report->is_whole()) {
        return spi::Status(otherwise, report->file + " is damaged: " + report->problems.front() + " (problem 1 of " +
                                          std::to_string(report->problem_count) +
                                          "; 'pharos store verify' lists them)");
    }
    return report;
}

spi::Status copy_bytes(const fs::path& from, const fs::path& to, const fs::path& owner) {
    const File source(from, O_RDONLY);
    const File target(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct stat facts {};
    if (!source.is_open() || !target.is_open() || ::stat(owner.c_str(), &facts) != 0) {
        return failed(source.is_open() ? to : from, source.is_open() ? "written" : "read", errno);
    }
    if (::geteuid() == 0 && ::fchown(target.number(), facts.st_uid, facts.st_gid) != 0) {
        return failed(to, "given to the directory's owner", errno);
    }
    std::vector<char> bytes(kCopiedAtOnce);
    for (;;) {
        const ssize_t got = ::read(source.number(), bytes.data(), bytes.size());
        if (got < 0 && errno != EINTR) {
            return failed(from, "read", errno);
        }
        if (got == 0) {
            break;
        }
        for (ssize_t done = 0; done < got;) {
            const ssize_t written = ::write(target.number(), bytes.data() + done, static_cast<std::size_t>(got - done));
            if (written < 0 && errno != EINTR) {
                return failed(to, "written", errno);
            }
            done += std::max<ssize_t>(written, 0);
        }
    }
    return ::fsync(target.number()) == 0 ? spi::Status() : failed(to, "synced", errno);
}

/// The first free name for the former store.
fs::path name_for_former(const fs::path& data_dir) {
    for (int i = 1;; ++i) {
        fs::path path = data_dir / ("store-before-restore-" + std::to_string(i) + ".mdb");
        std::error_code ignored;
        if (!fs::exists(path, ignored)) {
            return path;
        }
    }
}

/// As the server locks its data directory.
spi::Status lock_data_dir(const File& lock, const fs::path& data_dir) {
    if (!lock.is_open()) {
        return failed(data_dir / "lock", "written", errno);
    }
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
        char owner[32] = {};
        const ssize_t size = ::pread(lock.number(), owner, sizeof owner - 1, 0);
        return {spi::Code::kUnavailable, "data directory " + data_dir.string() + " is in use by a server" +
                                             (size > 0 ? " (process " + std::string(owner) + ")" : "") +
                                             "; stop it, restore, and start it again"};
    }
    return {};
}

/// Puts a whole new file in the place of the store's, the former one beside. The directory is locked.
spi::Result<std::string> replace_store(Unfinished& made, const fs::path& data_dir) {
    const fs::path data = data_dir / "store" / kDataFile;
    std::string kept;
    std::error_code ignored;
    if (fs::exists(data, ignored)) {
        const fs::path former = name_for_former(data_dir);
        if (::link(data.c_str(), former.c_str()) != 0) {
            return failed(former, "made, to keep the former store", errno);
        }
        kept = former.string();
    }
    // It tells of the former file which commit was the last.
    ::unlink((data_dir / "store" / "lock.mdb").c_str());
    if (::rename(made.path().c_str(), data.c_str()) != 0) {
        return failed(data, "replaced", errno);
    }
    made.finish();
    spi::Status synced = sync_folder(data_dir / "store");
    synced = synced ? sync_folder(data_dir) : synced;
    return synced ? spi::Result<std::string>(kept) : spi::Result<std::string>(synced);
}

}  // namespace

spi::Result<spi::StoreReport> LmdbStoreTools::backup(const std::string& data_dir, const std::string& file) noexcept {
    const fs::path target(file);
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(target, ignored))) {
        return spi::Status(spi::Code::kConflict, file + " exists already; choose another name, or remove it first");
    }
    const fs::path directory = fs::path(data_dir) / "store";
    spi::Result<std::unique_ptr<StoreReader>> opened = StoreReader::open(directory, own_);
    if (!opened) {
        return opened.error();
    }
    StoreReader& reader = **opened;
    // LMDB copies what it reads, and believes it: look at the pages first, and at the contents of the copy.
    PageWalk walk(reader.file(), reader.meta(), false);
    for (const auto& [name, tree] : walk.tables().value_or(std::vector<std::pair<std::string, PageFile::Tree>>())) {
        walk.table(name, tree, [](std::string_view, std::string_view) {});
    }
    if (walk.problem_count() != 0) {
        return spi::Status(spi::Code::kInternal, reader.file().path().string() + " is damaged and was not copied: " +
                                                     walk.problems().front() + "; 'pharos store verify' tells more");
    }
    if (spi::Status guarded = reader.guard(); !guarded) {
        return spi::Status(spi::Code::kInvalidArgument,
                           directory.string() + " holds the LMDB database of another program: no store");
    }
    Unfinished made(file + ".unfinished-" + std::to_string(::getpid()));
    {
        const File copy(made.path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (!copy.is_open()) {
            return failed(made.path(), "written", errno);
        }
        if (const int code = mdb_env_copyfd2(reader.env(), copy.number(), MDB_CP_COMPACT); code != 0) {
            return failed(made.path(), std::string("written (") + mdb_strerror(code) + ")", code > 0 ? code : EIO);
        }
        if (::fsync(copy.number()) != 0) {
            return failed(made.path(), "synced", errno);
        }
    }
    spi::Result<spi::StoreReport> report = whole(inspect_file(made.path()), spi::Code::kInternal);
    if (!report) {
        return report;
    }
    if (::renameat2(AT_FDCWD, made.path().c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0 &&
        ((errno != EINVAL && errno != ENOSYS) || ::rename(made.path().c_str(), target.c_str()) != 0)) {
        return failed(target, "made", errno);
    }
    made.finish();
    if (spi::Status synced = sync_folder(folder_of(target)); !synced) {
        return synced;
    }
    report->file = file;
    return report;
}

spi::Result<spi::StoreReport> LmdbStoreTools::verify(const std::string& data_dir_or_file) noexcept {
    const fs::path path(data_dir_or_file);
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
        return inspect_file(path);
    }
    const fs::path directory = fs::exists(path / kDataFile, ignored) ? path : path / "store";
    spi::Result<std::unique_ptr<StoreReader>> reader = StoreReader::open(directory, own_);
    return reader ? inspect((*reader)->file(), (*reader)->meta()) : spi::Result<spi::StoreReport>(reader.error());
}

spi::Result<spi::StoreRestored> LmdbStoreTools::restore(const std::string& file, const std::string& data_dir,
                                                        bool force) noexcept {
    const spi::Result<spi::StoreReport> wanted = whole(inspect_file(file), spi::Code::kInvalidArgument);
    if (!wanted) {
        return wanted.error();
    }
    const fs::path target(data_dir);
    const fs::path store = target / "store";
    std::error_code error;
    fs::create_directories(target, error);
    if (error) {
        return failed(target, "made", error.value());
    }
    const File lock(target / "lock", O_RDWR | O_CREAT, 0600);
    if (spi::Status locked = lock_data_dir(lock, target); !locked) {
        return locked;
    }
    if (!force && fs::exists(store / kDataFile, error)) {
        return spi::Status(spi::Code::kConflict, data_dir +
                                                     " holds a store already; with --force it is replaced, and "
                                                     "the old one kept beside it");
    }
    fs::create_directories(store, error);
    if (error) {
        return failed(store, "made", error.value());
    }
    Unfinished made(store / (std::string(kDataFile) + ".restoring"));
    if (spi::Status copied = copy_bytes(file, made.path(), target); !copied) {
        return copied;
    }
    spi::Result<spi::StoreReport> report = whole(inspect_file(made.path()), spi::Code::kInternal);
    if (!report) {
        return report.error();
    }
    spi::Result<std::string> kept = replace_store(made, target);
    if (!kept) {
        return kept.error();
    }
    report->file = (store / kDataFile).string();
    return spi::StoreRestored{std::move(report.value()), std::move(kept.value())};
}

}  // namespace pharos::storage_lmdb
