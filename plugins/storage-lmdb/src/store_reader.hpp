#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <pharos/spi/status.hpp>

#include "environment.hpp"
#include "page_file.hpp"

namespace pharos::storage_lmdb {

/// One state of a store directory that stays readable while this lives, whether a server writes there or not: a read
/// transaction holds back the reuse of its pages, also those of a server in another process.
class StoreReader {
public:
    /// Errors: kNotFound, kInvalidArgument (no LMDB file), kInternal.
    static spi::Result<std::unique_ptr<StoreReader>> open(const std::filesystem::path& directory, Environment& own);
    ~StoreReader();
    StoreReader(const StoreReader&) = delete;
    StoreReader& operator=(const StoreReader&) = delete;

    [[nodiscard]] MDB_env* env() const noexcept { return env_; }
    [[nodiscard]] PageFile& file() noexcept { return *file_; }
    /// Of the state that is held.
    [[nodiscard]] const PageFile::Meta& meta() const noexcept { return meta_; }
    /// From now on a page that can't be read ends the process with a line. The state is one of ours, and whole.
    [[nodiscard]] spi::Status guard();

private:
    StoreReader() = default;
    spi::Status hold();

    std::filesystem::path path_;
    std::optional<PageFile> file_;
    MDB_env* env_ = nullptr;
    bool owns_env_ = false;
    MDB_txn* txn_ = nullptr;
    PageFile::Meta meta_;
    MapGuard guard_;
};

}  // namespace pharos::storage_lmdb
