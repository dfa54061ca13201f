#pragma once

#include <filesystem>

#include <pharos/spi/status.hpp>

namespace pharos::storage_lmdb {

/// Looks at a database file before LMDB maps it: reading a mapped page that the file has not got kills the process.
/// Error: the file can't be read, or ends before the last of its pages. Ok when there is none, and for what LMDB
/// recognises by itself as no database.
///
/// Shorter than its page count a file may well be, when its last pages were given back before they were written: so
/// in that case, and only then, all pages that are in use are looked at.
[[nodiscard]] spi::Status check_file(const std::filesystem::path& file);

}  // namespace pharos::storage_lmdb
