#pragma once

#include <filesystem>
#include <string_view>

#include <pharos/spi/status.hpp>
#include <pharos/spi/store_tools.hpp>

#include "page_file.hpp"

namespace pharos::storage_lmdb {

inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kRevisionKey = "revision";
/// Values are sealed since format 2; format 1 is brought up to it when it is opened.
inline constexpr std::uint64_t kFormat = 2;
inline constexpr std::uint64_t kUnsealedFormat = 1;

/// Looks at a database file before LMDB maps it: LMDB believes what it reads, and reading a mapped page that the file
/// has not got kills the process. All pages that hold the trees are looked at, not the contents of large values.
/// Error: the file can't be read, ends before the last of its pages, or is damaged. Ok when there is none, for what
/// LMDB recognises by itself as no database, and for another program's.
[[nodiscard]] spi::Status check_file(const std::filesystem::path& file);

/// Looks at every page and every entry of one state of the file. Error kInvalidArgument: no store of ours.
[[nodiscard]] spi::Result<spi::StoreReport> inspect(PageFile& file, const PageFile::Meta& meta);

/// Makes sure that the older meta page is on disk as it is read now. When the write of a meta page fails, LMDB puts
/// the former one back, into the page cache only: should the failed one have reached the disk after all, it would
/// come back at a power cut, and by then other transactions may have used its pages.
[[nodiscard]] spi::Status settle_older_meta(const std::filesystem::path& file);

}  // namespace pharos::storage_lmdb
