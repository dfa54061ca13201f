#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// What one table of a store holds.
struct StoreTableReport {
    std::string name;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  ///< of all keys and values, as their writers know them
};

/// What is in a store, and what is wrong with it.
struct StoreReport {
    std::string file;            ///< that was looked at
    std::uint64_t format = 0;    ///< of the store
    std::uint64_t revision = 0;  ///< of the last commit
    std::uint64_t file_bytes = 0;
    std::uint64_t pages = 0;  ///< in use, all of them looked at
    std::vector<StoreTableReport> tables;
    std::vector<std::string> problems;  ///< the first hundred, one line each; empty: the store is whole
    std::uint64_t problem_count = 0;

    [[nodiscard]] bool is_whole() const noexcept { return problem_count == 0; }
};

/// A restored store.
struct StoreRestored {
    StoreReport report;
    std::string kept;  ///< file that the former store is in now; empty when there was none
};

/// Work on a node's store from outside of the server: a process that has loaded and initialised the plugin, and not
/// started it, may call this; so may any other. Nothing needs to be open and no threads are used: calls block until
/// they are done. One thread at a time. Errors name the file, the reason and what to do.
class StoreTools {
public:
    static constexpr std::string_view kInterface = "pharos.StoreTools/1";

    /// Writes the store of a data directory, as of one commit, into a new file; a server may run on that directory
    /// meanwhile. The file is complete, checked and on disk, or not there. The report says what it holds. Errors:
    /// kConflict (the file exists), kNotFound (no store there), kInternal (disk, or the store is damaged).
    virtual Result<StoreReport> backup(const std::string& data_dir, const std::string& file) noexcept = 0;
    /// Reads every page and every entry of a data directory's store, as of one commit, or of a backup file. What is
    /// damaged is in the report. Errors: kNotFound, kInvalidArgument (no store of ours), kInternal (can't be read).
    virtual Result<StoreReport> verify(const std::string& data_dir_or_file) noexcept = 0;
    /// Puts a backup in the place of the data directory's store, in one step: after a crash there is the old store or
    /// the new one. The file is verified first; the old store is kept beside. Errors: kUnavailable (a server holds the
    /// directory), kConflict (there is a store, and `force` is not set), kNotFound, kInvalidArgument (the file is
    /// damaged or no store), kInternal (disk).
    virtual Result<StoreRestored> restore(const std::string& file, const std::string& data_dir,
                                          bool force) noexcept = 0;

protected:
    ~StoreTools() = default;
};

}  // namespace pharos::spi
