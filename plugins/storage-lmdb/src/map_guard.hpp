#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pharos::storage_lmdb {

/// Exit code of a process that ended because its store can't be trusted: EX_IOERR of sysexits.h.
inline constexpr int kDamagedExit = 74;

/// While this lives, a page of the mapped file that can't be read (SIGBUS: the file became shorter, or the disk fails)
/// ends the process with one line that names the file and the place, instead of a core. The page itself can't be
/// replaced by anything true, and who reads it can't be told.
///
/// A SIGBUS elsewhere goes to the handler that was there before. At most kMaxGuards at a time; more are not guarded.
class MapGuard {
public:
    static constexpr std::size_t kMaxGuards = 8;

    MapGuard() noexcept = default;
    MapGuard(const void* begin, std::size_t size, const std::string& file) noexcept;
    MapGuard(MapGuard&& other) noexcept;
    MapGuard& operator=(MapGuard&& other) noexcept;
    ~MapGuard();

private:
    int slot_ = -1;
};

/// Ends the process with one line: what was read from the file is not what was written, and must not be served.
[[noreturn]] void end_damaged(std::string_view file, std::string_view what) noexcept;

}  // namespace pharos::storage_lmdb
