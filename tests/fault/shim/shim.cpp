// Stands between a process and the C library (LD_PRELOAD), for the files below one directory: records what is written
// and synced, and lets calls fail. Set by the environment:
//
//   FAULT_DIR      the directory; files elsewhere are left alone
//   FAULT_RECORD   file that the recording goes to (recorder.hpp); none: nothing is recorded
//   FAULT_CONTROL  file with lines "CALLS ERROR [AFTER]": while it exists, the named calls (write, sync, or both as
//                  all) fail with the error (EIO, ENOSPC), but for the first AFTER of them. Looked at at each call.
//
// Writes are recorded and done under one lock, so that the recording has them in their order. Names of files (create,
// rename, remove) are recorded where they happen and count as being on disk at once: a friendlier disk than there is.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "recorder.hpp"

using pharos::fault::Entry;
using pharos::fault::Kind;

namespace {

constexpr int kMostFiles = 65536;

template <class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

struct Open {
    std::uint32_t file = 0;  ///< 0: not below the directory
    bool synced_writes = false;
    bool appends = false;
};

/// Plain memory: calls come before there are constructors, and until the very end of the process.
struct State {
    char directory[PATH_MAX];  ///< with a slash at its end; empty until begin()
    char control[PATH_MAX];
    int record;
    std::uint32_t files;
    Open open[kMostFiles];
};

State g_state;
std::recursive_mutex g_mutex;
std::atomic<std::uint64_t> g_calls{0};

State& state() { return g_state; }

__attribute__((constructor)) void begin() {
    State& made = g_state;
    made.record = -1;
    if (const char* file = getenv("FAULT_CONTROL"); file != nullptr) {
        strncpy(made.control, file, sizeof made.control - 1);
    }
    const char* directory = getenv("FAULT_DIR");
    char real[PATH_MAX - 1];
    if (directory == nullptr || realpath(directory, real) == nullptr) {
        return;
    }
    if (const char* file = getenv("FAULT_RECORD"); file != nullptr) {
        made.record =
            static_cast<int>(syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    }
    strcpy(made.directory, real);
    strcat(made.directory, "/");
}

/// The path below the directory; empty when it is elsewhere. Its last part may not exist.
std::string below(int folder, const char* path) {
    std::string text = path;
    if (text.empty() || state().directory[0] == '\0') {
        return "";
    }
    char real[PATH_MAX];
    if (text[0] != '/') {
        const std::string base = folder == AT_FDCWD ? "." : "/proc/self/fd/" + std::to_string(folder);
        if (realpath(base.c_str(), real) == nullptr) {
            return "";
        }
        text = std::string(real) + "/" + text;
    }
    const std::size_t slash = text.rfind('/');
    const std::string parent = slash == 0 ? "/" : text.substr(0, slash);
    if (realpath(parent.c_str(), real) == nullptr) {
        return "";
    }
    text = std::string(real) + text.substr(slash);
    return text.starts_with(state().directory) ? text.substr(strlen(state().directory)) : "";
}

void put(const void* bytes, std::size_t size) {
    const char* at = static_cast<const char*>(bytes);
    while (size > 0) {
        const long done = syscall(SYS_write, state().record, at, size);
        if (done <= 0) {
            static const char kText[] = "fault shim: the recording can't be written\n";
            syscall(SYS_write, 2, kText, sizeof kText - 1);
            _exit(99);
        }
        at += done;
        size -= static_cast<std::size_t>(done);
    }
}

void record(Kind kind, std::uint32_t file, std::uint64_t offset, const iovec* parts, int count) {
    if (state().record < 0) {
        return;
    }
    Entry entry{kind, file, offset, 0};
    for (int i = 0; i < count; ++i) {
        entry.size += parts[i].iov_len;
    }
    // In one piece: who looks at the length sees whole entries.
    std::string bytes(reinterpret_cast<const char*>(&entry), sizeof entry);
    for (int i = 0; i < count; ++i) {
        bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    }
    bytes.resize((bytes.size() + 7) / 8 * 8);
    put(bytes.data(), bytes.size());
}
void record(Kind kind, std::uint32_t file, std::uint64_t offset, const std::string& text) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    record(kind, file, offset, &part, 1);
}

std::uint64_t length() {
    struct stat facts {};
    return state().record >= 0 && ::fstat(state().record, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

/// The error that a call is to fail with; 0: none.
int error_for(const char* call) {
    if (state().control[0] == '\0') {
        return 0;
    }
    char text[128] = {};
    const int file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, state().control, O_RDONLY | O_CLOEXEC));
    if (file < 0) {
        g_calls = 0;
        return 0;
    }
    syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    char calls[16] = {};
    char error[16] = {};
    unsigned long after = 0;
    if (sscanf(text, "%15s %15s %lu", calls, error, &after) < 2 ||
        (strcmp(calls, call) != 0 && strcmp(calls, "all") != 0) || g_calls++ < after) {
        return 0;
    }
    return strcmp(error, "ENOSPC") == 0 ? ENOSPC : EIO;
}

bool is_ours(int file) { return file >= 0 && file < kMostFiles && state().open[file].file != 0; }

void note_open(int file, const std::string& path, int flags) {
    if (file < 0 || file >= kMostFiles || path.empty() || (flags & O_ACCMODE) == O_RDONLY) {
        return;
    }
    const std::lock_guard lock(g_mutex);
    Open& open = state().open[file];
    open = Open{++state().files, (flags & (O_DSYNC | O_SYNC)) != 0, (flags & O_APPEND) != 0};
    record(Kind::kOpen, open.file, 0, path);
    if ((flags & O_TRUNC) != 0) {
        record(Kind::kSize, open.file, 0, "");
    }
}

/// A write of any kind; `offset` < 0: at the file's position.
template <class Call>
ssize_t write_parts(int file, const iovec* parts, int count, off_t offset, Call call) {
    const std::lock_guard lock(g_mutex);
    if (const int error = error_for("write"); error != 0) {
        errno = error;
        return -1;
    }
    const Open open = state().open[file];
    if (open.appends) {
        struct stat facts {};
        offset = ::fstat(file, &facts) == 0 ? facts.st_size : 0;
    } else if (offset < 0) {
        offset = ::lseek(file, 0, SEEK_CUR);
    }
    const std::uint64_t before = length();
    record(Kind::kWrite, open.file, static_cast<std::uint64_t>(offset), parts, count);
    const std::uint64_t after = length();
    const ssize_t done = call();
    if (open.synced_writes && done > 0) {
        // Only this write, and what was synced before: not the others of the file.
        record(Kind::kSync, open.file, after, std::string(reinterpret_cast<const char*>(&before), sizeof before));
    }
    return done;
}

template <class Call>
int sync_file(int file, Call call) {
    std::uint64_t covers = 0;
    {
        const std::lock_guard lock(g_mutex);
        if (const int error = error_for("sync"); error != 0) {
            errno = error;
            return -1;
        }
        covers = length();
    }
    const int done = call();
    if (done == 0) {
        const std::lock_guard lock(g_mutex);
        record(Kind::kSync, state().open[file].file, covers, "");
    }
    return done;
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
    const std::string name = below(folder, path);
    const int file = static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
    note_open(file, name, flags);
    return file;
}

mode_t mode_of(int flags, va_list list) { return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0; }

}  // namespace

#define SHIM extern "C" __attribute__((visibility("default")))

#define SHIM_OPEN(NAME)                               \
    SHIM int NAME(const char* path, int flags, ...) { \
        va_list list;                                 \
        va_start(list, flags);                        \
        const mode_t mode = mode_of(flags, list);     \
        va_end(list);                                 \
        return open_at(AT_FDCWD, path, flags, mode);  \
    }
SHIM_OPEN(open)
SHIM_OPEN(open64)

#define SHIM_OPENAT(NAME)                                         \
    SHIM int NAME(int folder, const char* path, int flags, ...) { \
        va_list list;                                             \
        va_start(list, flags);                                    \
        const mode_t mode = mode_of(flags, list);                 \
        va_end(list);                                             \
        return open_at(folder, path, flags, mode);                \
    }
SHIM_OPENAT(openat)
SHIM_OPENAT(openat64)

namespace {

/// A second descriptor of the same open file.
int note_copy(int from, int to) {
    if (is_ours(from) && to >= 0 && to < kMostFiles) {
        const std::lock_guard lock(g_mutex);
        state().open[to] = state().open[from];
    }
    return to;
}

}  // namespace

SHIM int dup(int file) { return note_copy(file, static_cast<int>(syscall(SYS_dup, file))); }
SHIM int dup2(int file, int to) {
    static const auto real = next<int (*)(int, int)>("dup2");
    return note_copy(file, real(file, to));
}
#define SHIM_FCNTL(NAME)                                                                        \
    SHIM int NAME(int file, int command, ...) {                                                 \
        static const auto real = next<int (*)(int, int, void*)>(#NAME);                         \
        va_list list;                                                                           \
        va_start(list, command);                                                                \
        void* argument = va_arg(list, void*);                                                   \
        va_end(list);                                                                           \
        const int done = real(file, command, argument);                                         \
        return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? note_copy(file, done) : done; \
    }
SHIM_FCNTL(fcntl)
SHIM_FCNTL(fcntl64)

SHIM int close(int file) {
    if (is_ours(file)) {
        const std::lock_guard lock(g_mutex);
        state().open[file] = {};
    }
    return static_cast<int>(syscall(SYS_close, file));
}

SHIM ssize_t write(int file, const void* bytes, size_t size) {
    const auto call = [&] { return syscall(SYS_write, file, bytes, size); };
    const iovec part{const_cast<void*>(bytes), size};
    return is_ours(file) ? write_parts(file, &part, 1, -1, call) : call();
}

SHIM ssize_t writev(int file, const iovec* parts, int count) {
    const auto call = [&] { return syscall(SYS_writev, file, parts, count); };
    return is_ours(file) ? write_parts(file, parts, count, -1, call) : call();
}

#define SHIM_PWRITE(NAME)                                                                   \
    SHIM ssize_t NAME(int file, const void* bytes, size_t size, off_t offset) {             \
        const auto call = [&] { return syscall(SYS_pwrite64, file, bytes, size, offset); }; \
        const iovec part{const_cast<void*>(bytes), size};                                   \
        return is_ours(file) ? write_parts(file, &part, 1, offset, call) : call();          \
    }
SHIM_PWRITE(pwrite)
SHIM_PWRITE(pwrite64)

#define SHIM_PWRITEV(NAME)                                                                \
    SHIM ssize_t NAME(int file, const iovec* parts, int count, off_t offset) {            \
        static const auto real = next<ssize_t (*)(int, const iovec*, int, off_t)>(#NAME); \
        const auto call = [&] { return real(file, parts, count, offset); };               \
        return is_ours(file) ? write_parts(file, parts, count, offset, call) : call();    \
    }
SHIM_PWRITEV(pwritev)
SHIM_PWRITEV(pwritev64)

SHIM int fdatasync(int file) {
    const auto call = [&] { return static_cast<int>(syscall(SYS_fdatasync, file)); };
    return is_ours(file) ? sync_file(file, call) : call();
}
SHIM int fsync(int file) {
    const auto call = [&] { return static_cast<int>(syscall(SYS_fsync, file)); };
    return is_ours(file) ? sync_file(file, call) : call();
}

#define SHIM_FTRUNCATE(NAME)                                                                    \
    SHIM int NAME(int file, off_t size) {                                                       \
        const auto call = [&] { return static_cast<int>(syscall(SYS_ftruncate, file, size)); }; \
        if (!is_ours(file)) {                                                                   \
            return call();                                                                      \
        }                                                                                       \
        const std::lock_guard lock(g_mutex);                                                    \
        record(Kind::kSize, state().open[file].file, static_cast<std::uint64_t>(size), "");     \
        return call();                                                                          \
    }
SHIM_FTRUNCATE(ftruncate)
SHIM_FTRUNCATE(ftruncate64)

namespace {

int allocate(int file, int mode, off_t offset, off_t size) {
    const int done = static_cast<int>(syscall(SYS_fallocate, file, mode, offset, size));
    if (done == 0 && is_ours(file) && mode == 0) {
        const std::lock_guard lock(g_mutex);
        struct stat facts {};
        if (::fstat(file, &facts) == 0) {
            record(Kind::kSize, state().open[file].file, static_cast<std::uint64_t>(facts.st_size), "");
        }
    }
    return done;
}

int rename_at(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
    const std::lock_guard lock(g_mutex);
    const std::string before = below(from_folder, from);
    const std::string after = below(to_folder, to);
    const int done = static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
    if (done == 0 && !before.empty() && !after.empty()) {
        record(Kind::kRename, 0, 0, before + '\0' + after);
    }
    return done;
}

int remove_at(int folder, const char* path, int flags) {
    const std::lock_guard lock(g_mutex);
    const std::string name = below(folder, path);
    const int done = static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
    if (done == 0 && !name.empty()) {
        record(Kind::kRemove, 0, 0, name);
    }
    return done;
}

}  // namespace

SHIM int fallocate(int file, int mode, off_t offset, off_t size) { return allocate(file, mode, offset, size); }
SHIM int fallocate64(int file, int mode, off_t offset, off_t size) { return allocate(file, mode, offset, size); }
SHIM int posix_fallocate(int file, off_t offset, off_t size) {
    return allocate(file, 0, offset, size) == 0 ? 0 : errno;
}

SHIM int rename(const char* from, const char* to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
SHIM int renameat(int a, const char* from, int b, const char* to) { return rename_at(a, from, b, to, 0); }
SHIM int renameat2(int a, const char* from, int b, const char* to, unsigned flags) {
    return rename_at(a, from, b, to, flags);
}
SHIM int unlink(const char* path) { return remove_at(AT_FDCWD, path, 0); }
SHIM int unlinkat(int folder, const char* path, int flags) { return remove_at(folder, path, flags); }
SHIM int mkdir(const char* path, mode_t mode) {
    const int done = static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
    if (const std::string name = done == 0 ? below(AT_FDCWD, path) : ""; !name.empty()) {
        const std::lock_guard lock(g_mutex);
        record(Kind::kFolder, 0, 0, name);
    }
    return done;
}

#define SHIM_MMAP(NAME)                                                                                \
    SHIM void* NAME(void* address, size_t size, int rights, int flags, int file, off_t offset) {       \
        if ((rights & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 && is_ours(file)) {                \
            const std::lock_guard lock(g_mutex);                                                       \
            record(Kind::kMapped, state().open[file].file, 0, "");                                     \
        }                                                                                              \
        return reinterpret_cast<void*>(syscall(SYS_mmap, address, size, rights, flags, file, offset)); \
    }
SHIM_MMAP(mmap)
SHIM_MMAP(mmap64)
