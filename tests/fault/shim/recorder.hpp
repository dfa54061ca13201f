#pragma once

#include <cstdint>

/// The recording that the shim makes and the checker reads: entries one after the other, each a head and then `size`
/// bytes, padded to 8. What is in the recording before a place has begun before it, but for syncs: those have ended.
namespace pharos::fault {

enum class Kind : std::uint32_t {
    kOpen = 1,    ///< bytes: the path below the directory; the file's number from here on. Created if it was not there.
    kWrite = 2,   ///< `offset`, bytes
    kSync = 3,    ///< all that was recorded for the file before the place `offset` of the recording is on disk; with
                  ///< 8 bytes, the place of an entry: that write alone is (O_DSYNC)
    kSize = 4,    ///< truncated, or made longer, to `offset`
    kRename = 5,  ///< bytes: old path, NUL, new path
    kRemove = 6,  ///< bytes: path
    kFolder = 7,  ///< bytes: path of a directory that was made
    kMapped = 8,  ///< bytes: path of a file that is written through a map, which is not seen
};

struct Entry {
    Kind kind;
    std::uint32_t file;
    std::uint64_t offset;
    std::uint64_t size;
};

}  // namespace pharos::fault
