#include "file_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace pharos::storage_lmdb {

namespace {

// LMDB's file format, data version 1, on a machine of 64 bits and little endian.
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::size_t kPageHeader = 16;
constexpr std::size_t kMetaSize = kPageHeader + 136;
constexpr std::size_t kFreeTable = kPageHeader + 24;  // of a meta page
constexpr std::size_t kMainTable = kPageHeader + 72;
constexpr std::size_t kLastPage = kPageHeader + 120;
constexpr std::size_t kTransaction = kPageHeader + 128;
constexpr std::size_t kRootInTable = 40;
constexpr std::size_t kPageFlags = 10;
constexpr std::size_t kLower = 12;
constexpr std::size_t kNodeHeader = 8;
constexpr std::uint16_t kBranchPage = 0x01;
constexpr std::uint16_t kLeafPage = 0x02;
constexpr std::uint16_t kBigNode = 0x01;
constexpr std::uint16_t kTableNode = 0x02;
constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
constexpr int kDeepest = 64;

template <class Number>
Number number_at(const std::vector<char>& bytes, std::size_t offset) noexcept {
    Number number{};
    if (offset + sizeof number <= bytes.size()) {
        std::memcpy(&number, bytes.data() + offset, sizeof number);
    }
    return number;
}

/// The pages of one file, read one by one.
class Pages {
public:
    explicit Pages(int file, std::uint64_t size) : file_(file), size_(size) {}

    /// What there is of `size` bytes.
    [[nodiscard]] std::vector<char> read(std::uint64_t offset, std::size_t size) const {
        std::vector<char> bytes(size);
        const ssize_t got = pread(file_, bytes.data(), size, static_cast<off_t>(offset));
        bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return bytes;
    }

    /// The newer of the two meta pages; nothing when that is for LMDB to judge.
    [[nodiscard]] std::optional<std::vector<char>> newest_meta() {
        std::vector<char> first = read(0, kMetaSize);
        page_size_ = number_at<std::uint32_t>(first, kFreeTable);
        if (!is_meta(first) || page_size_ < 512 || page_size_ > 65536) {
            return std::nullopt;
        }
        std::vector<char> second = read(page_size_, kMetaSize);
        if (!is_meta(second)) {
            return std::nullopt;
        }
        const bool newer =
            number_at<std::uint64_t>(second, kTransaction) > number_at<std::uint64_t>(first, kTransaction);
        return newer ? std::move(second) : std::move(first);
    }

    [[nodiscard]] std::uint64_t page_size() const noexcept { return page_size_; }
    [[nodiscard]] bool has(std::uint64_t page, std::uint64_t count = 1) const noexcept {
        const std::uint64_t pages = size_ / page_size_;
        return page < pages && count <= pages - page;
    }
    /// Whether the file has this page and all pages below it.
    [[nodiscard]] bool has_tree(std::uint64_t root, int depth = 0) const {
        if (root == kNoPage) {
            return true;
        }
        if (depth > kDeepest || !has(root)) {
            return false;
        }
        const std::vector<char> page = read(root * page_size_, page_size_);
        const auto flags = number_at<std::uint16_t>(page, kPageFlags);
        if ((flags & (kBranchPage | kLeafPage)) == 0) {
            return true;  // damaged otherwise: LMDB says so when it gets there
        }
        const std::size_t end = std::min<std::size_t>(number_at<std::uint16_t>(page, kLower), page.size());
        for (std::size_t at = kPageHeader; at + 2 <= end; at += 2) {
            if (!has_node(page, number_at<std::uint16_t>(page, at), (flags & kBranchPage) != 0, depth)) {
                return false;
            }
        }
        return true;
    }

private:
    static bool is_meta(const std::vector<char>& bytes) {
        return bytes.size() == kMetaSize && number_at<std::uint32_t>(bytes, kPageHeader) == kMagic;
    }
    [[nodiscard]] bool has_node(const std::vector<char>& page, std::size_t node, bool branch, int depth) const {
        const std::uint64_t low = number_at<std::uint16_t>(page, node);
        const std::uint64_t high = number_at<std::uint16_t>(page, node + 2);
        const std::uint64_t flags = number_at<std::uint16_t>(page, node + 4);
        if (branch) {
            return has_tree(low | high << 16 | flags << 32, depth + 1);
        }
        const std::size_t value = node + kNodeHeader + number_at<std::uint16_t>(page, node + 6);
        if ((flags & kBigNode) != 0) {
            const std::uint64_t bytes = kPageHeader + (low | high << 16);
            return has(number_at<std::uint64_t>(page, value), (bytes + page_size_ - 1) / page_size_);
        }
        return (flags & kTableNode) == 0 || has_tree(number_at<std::uint64_t>(page, value + kRootInTable), depth + 1);
    }

    const int file_;
    const std::uint64_t size_;
    std::uint64_t page_size_ = 0;
};

spi::Status check_open(int descriptor, const std::filesystem::path& file) {
    struct stat facts {};
    if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return {spi::Code::kInternal, file.string() + " is no regular file"};
    }
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    Pages pages(descriptor, size);
    const std::optional<std::vector<char>> meta = pages.newest_meta();
    if (!meta) {
        return {};
    }
    const std::uint64_t last = number_at<std::uint64_t>(*meta, kLastPage);
    if (pages.has(last) || (pages.has_tree(number_at<std::uint64_t>(*meta, kFreeTable + kRootInTable)) &&
                            pages.has_tree(number_at<std::uint64_t>(*meta, kMainTable + kRootInTable)))) {
        return {};
    }
    return {spi::Code::kInternal, file.string() + " is truncated: it has " + std::to_string(size) + " of " +
                                      std::to_string((last + 1) * pages.page_size()) +
                                      " bytes; put a whole copy in its place"};
}

}  // namespace

spi::Status check_file(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return errno == ENOENT
                   ? spi::Status()
                   : spi::Status(spi::Code::kInternal, file.string() + " can't be read: " + std::strerror(errno));
    }
    spi::Status status = check_open(descriptor, file);
    ::close(descriptor);
    return status;
}

}  // namespace pharos::storage_lmdb
