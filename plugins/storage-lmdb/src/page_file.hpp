#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::storage_lmdb {

/// An LMDB database file (data version 1, 64 bits, little endian), read page by page. Not through a map: a page that
/// the file has not got, or that the disk can't read, must be an error here and not a signal.
class PageFile {
public:
    /// What the file says of one tree.
    struct Tree {
        std::uint16_t flags = 0;
        std::uint16_t depth = 0;
        std::uint64_t branch_pages = 0;
        std::uint64_t leaf_pages = 0;
        std::uint64_t overflow_pages = 0;
        std::uint64_t entries = 0;
        std::uint64_t root = kNoPage;
    };
    /// One of the two meta pages, which commits write in turn.
    struct Meta {
        int slot = 0;
        std::uint64_t transaction = 0;
        std::uint64_t last_page = 0;
        Tree free;  ///< pages to use again
        Tree main;  ///< names of the tables
    };

    static constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
    static constexpr std::size_t kTreeBytes = 48;

    /// Errors: kNotFound, kInternal (can't be read, no regular file).
    static spi::Result<PageFile> open(const std::filesystem::path& path);
    PageFile(PageFile&& other) noexcept;
    PageFile& operator=(PageFile&&) = delete;
    ~PageFile();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// As of open(); a server may have made it longer since.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint64_t page_size() const noexcept { return page_size_; }

    /// The meta page in a slot, 0 or 1, as it is now; nothing when there is none, which is for LMDB to judge.
    [[nodiscard]] std::optional<Meta> meta(int slot);
    [[nodiscard]] std::optional<Meta> newest_meta();

    /// Reads bytes into `into`. False: there are fewer, or they can't be read; `error()` says which.
    [[nodiscard]] bool read(std::uint64_t offset, char* into, std::size_t size) const noexcept;
    /// errno of the last read that failed; 0: the file has ended.
    [[nodiscard]] int error() const noexcept { return error_; }

    [[nodiscard]] static Tree tree_at(const char* bytes) noexcept;

private:
    PageFile(std::filesystem::path path, int descriptor, std::uint64_t size)
        : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

    std::filesystem::path path_;
    int descriptor_;
    std::uint64_t size_;
    std::uint64_t page_size_ = 0;
    mutable int error_ = 0;
};

/// A number of the file, at any address.
template <class Number>
[[nodiscard]] Number number_at(const char* bytes) noexcept {
    Number number{};
    __builtin_memcpy(&number, bytes, sizeof number);
    return number;
}

}  // namespace pharos::storage_lmdb
