#pragma once

#include <pharos/spi/store_tools.hpp>

#include "environment.hpp"

namespace pharos::storage_lmdb {

/// Backup, verify and restore of store directories. Opens what it needs and closes it again; the plugin's own
/// environment is used when it is open on that very directory, because LMDB does not bear two in one process.
class LmdbStoreTools final : public spi::StoreTools {
public:
    /// `own` may never be opened.
    explicit LmdbStoreTools(Environment& own) : own_(own) {}

    spi::Result<spi::StoreReport> backup(const std::string& data_dir, const std::string& file) noexcept override;
    spi::Result<spi::StoreReport> verify(const std::string& data_dir_or_file) noexcept override;
    spi::Result<spi::StoreRestored> restore(const std::string& file, const std::string& data_dir,
                                            bool force) noexcept override;

private:
    Environment& own_;
};

}  // namespace pharos::storage_lmdb
