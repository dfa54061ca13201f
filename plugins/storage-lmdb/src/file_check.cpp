#include "file_check.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "environment.hpp"
#include "page_walk.hpp"
#include "sealed.hpp"

namespace pharos::storage_lmdb {

namespace {

constexpr std::size_t kNumberBytes = 8;
constexpr int kMetaTries = 10;
constexpr std::size_t kMetaBytes = 152;  // with the head of its page

using Tables = std::vector<std::pair<std::string, PageFile::Tree>>;

bool are_ours(const std::optional<Tables>& tables) {
    return tables && std::all_of(tables->begin(), tables->end(), [](const auto& table) {
               return std::find(std::begin(kTableNames), std::end(kTableNames), table.first) != std::end(kTableNames) &&
                      table.second.flags == 0;
           });
}

/// Commits write the two in turn, each transaction in the place of its number.
bool belong_together(const std::optional<PageFile::Meta>& first, const std::optional<PageFile::Meta>& second) {
    if (!first || !second) {
        return false;
    }
    const std::uint64_t older = std::min(first->transaction, second->transaction);
    const std::uint64_t newer = std::max(first->transaction, second->transaction);
    return newer == 0 || (newer == older + 1 && first->transaction % 2 == 0);
}

spi::Status truncated(const PageFile& file, const PageFile::Meta& meta) {
    return {spi::Code::kInternal, file.path().string() + " is truncated: it has " + std::to_string(file.size()) +
                                      " of " + std::to_string((meta.last_page + 1) * file.page_size()) +
                                      " bytes; put a whole copy in its place with 'pharos store restore'"};
}

spi::Status damaged(const std::filesystem::path& file, const std::string& what) {
    return {spi::Code::kInternal, file.string() + " is damaged: " + what +
                                      "; 'pharos store verify' tells more, 'pharos store restore' puts a backup in "
                                      "its place"};
}

/// Goes through the entries of our tables.
class Inspection {
public:
    Inspection(PageWalk& walk, spi::StoreReport& report) : walk_(walk), report_(report) {}

    /// "meta" first: it says how the others are to be read.
    bool read_meta(const Tables& tables) {
        bool found = false;
        each_of(tables, "meta", [&](std::string_view key, std::string_view value) {
            if (key == kFormatKey && value.size() == kNumberBytes) {
                report_.format = decode_number(value);
                found = true;
            } else if (key == kRevisionKey) {
                if (const auto bytes = unseal("meta", key, value); bytes && bytes->size() == kNumberBytes) {
                    report_.revision = decode_number(*bytes);
                } else if (bytes) {
                    walk_.add_problem("table meta: the revision has a wrong length");
                }
            }
        });
        return found;
    }
    void read_entries(const Tables& tables) {
        for (const auto& [name, head] : {std::pair("kv", std::size_t{0}), std::pair("data", kNumberBytes)}) {
            spi::StoreTableReport table{name};
            each_of(tables, name, [&, head = head](std::string_view key, std::string_view value) {
                ++table.entries;
                const std::optional<std::string_view> bytes = unseal(table.name, key, value);
                if (!bytes) {
                    return;
                }
                if (bytes->size() < head) {
                    walk_.add_problem("table " + table.name + ": the value of " + printable(key) + " is too short");
                    return;
                }
                table.bytes += key.size() + bytes->size() - head;
                const std::uint64_t revision = head == 0 ? 0 : decode_number(*bytes);
                if (head != 0 && (revision == 0 || revision > report_.revision)) {
                    walk_.add_problem("table " + table.name + ": the revision " + std::to_string(revision) + " of " +
                                      printable(key) + " is beyond that of the store, " +
                                      std::to_string(report_.revision));
                }
            });
            report_.tables.push_back(std::move(table));
        }
    }

private:
    void each_of(const Tables& tables, std::string_view name, PageWalk::Each each) {
        for (const auto& [known, tree] : tables) {
            if (known == name) {
                walk_.table(known, tree, std::move(each));
                return;
            }
        }
    }
    std::optional<std::string_view> unseal(std::string_view table, std::string_view key, std::string_view value) {
        if (report_.format == kUnsealedFormat) {
            return value;
        }
        std::optional<std::string_view> bytes = open_seal(key, value);
        if (!bytes) {
            walk_.add_problem("table " + std::string(table) + ": the value of " + printable(key) +
                              " is not what was written (its checksum differs)");
        }
        return bytes;
    }

    PageWalk& walk_;
    spi::StoreReport& report_;
};

}  // namespace

spi::Status check_file(const std::filesystem::path& path) {
    spi::Result<PageFile> file = PageFile::open(path);
    if (!file) {
        return file.error().code() == spi::Code::kNotFound ? spi::Status() : file.error();
    }
    const std::optional<PageFile::Meta> first = file->meta(0);
    const std::optional<PageFile::Meta> second = first ? file->meta(1) : std::nullopt;
    if (!second) {
        return {};  // LMDB says so itself
    }
    const PageFile::Meta& meta = second->transaction > first->transaction ? *second : *first;
    PageWalk walk(*file, meta, false);
    const std::optional<Tables> tables = walk.tables();
    if (walk.problem_count() == 0 && !are_ours(tables)) {
        return {};  // its owner is for Environment to judge
    }
    if (!belong_together(first, second)) {
        return damaged(path, "its two meta pages do not belong together");
    }
    for (const auto& [name, tree] : tables.value_or(Tables())) {
        walk.table(name, tree, [](std::string_view, std::string_view) {});
    }
    walk.free_pages();
    if (walk.is_truncated()) {
        return truncated(*file, meta);
    }
    return walk.problem_count() == 0 ? spi::Status() : damaged(path, walk.problems().front());
}

spi::Result<spi::StoreReport> inspect(PageFile& file, const PageFile::Meta& meta) {
    spi::StoreReport report;
    report.file = file.path().string();
    report.file_bytes = file.size();
    PageWalk walk(file, meta, true);
    const std::optional<Tables> tables = walk.tables();
    Inspection inspection(walk, report);
    const bool ours = are_ours(tables) && inspection.read_meta(*tables);
    if (!ours && walk.problem_count() == 0) {
        return spi::Status(spi::Code::kInvalidArgument,
                           report.file + " is the LMDB database of another program, or an empty one: no store");
    }
    if (ours && report.format != kFormat && report.format != kUnsealedFormat) {
        return spi::Status(spi::Code::kInvalidArgument, report.file + " has store format " +
                                                            std::to_string(report.format) + "; this version knows " +
                                                            std::to_string(kUnsealedFormat) + " and " +
                                                            std::to_string(kFormat));
    }
    if (ours) {
        inspection.read_entries(*tables);
    }
    walk.free_pages();
    bool together = false;
    for (int i = 0; i < kMetaTries && !together; ++i) {
        together = belong_together(file.meta(0), file.meta(1));  // a server may write one in between
    }
    if (!together) {
        walk.add_problem("its two meta pages do not belong together");
    }
    report.pages = walk.pages();
    report.problems = std::move(walk.problems());
    report.problem_count = walk.problem_count();
    return report;
}

spi::Status settle_older_meta(const std::filesystem::path& path) {
    spi::Result<PageFile> file = PageFile::open(path);
    const std::optional<PageFile::Meta> newest = file ? file->newest_meta() : std::nullopt;
    if (!newest) {
        return {};
    }
    char bytes[kMetaBytes];
    const std::uint64_t at = newest->slot == 0 ? file->page_size() : 0;
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    const bool settled =
        descriptor >= 0 && file->read(at, bytes, sizeof bytes) &&
        ::pwrite(descriptor, bytes, sizeof bytes, static_cast<off_t>(at)) == static_cast<ssize_t>(sizeof bytes) &&
        ::fdatasync(descriptor) == 0;
    const int error = errno;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    return settled ? spi::Status()
                   : spi::Status(spi::Code::kInternal, path.string() + " can't be written: " + std::strerror(error));
}

}  // namespace pharos::storage_lmdb
