#include "page_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace pharos::storage_lmdb {

namespace {

constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPageHeader = 16;
constexpr std::size_t kMetaSize = kPageHeader + 136;
constexpr std::size_t kFreeTable = kPageHeader + 24;
constexpr std::size_t kMainTable = kFreeTable + PageFile::kTreeBytes;
constexpr std::size_t kLastPage = kMainTable + PageFile::kTreeBytes;
constexpr std::size_t kTransaction = kLastPage + 8;

}  // namespace

spi::Result<PageFile> PageFile::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return spi::Status(errno == ENOENT || errno == ENOTDIR ? spi::Code::kNotFound : spi::Code::kInternal,
                           path.string() + " can't be read: " + std::strerror(errno));
    }
    struct stat facts {};
    if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        ::close(descriptor);
        return spi::Status(spi::Code::kInternal, path.string() + " is no regular file");
    }
    return PageFile(path, descriptor, static_cast<std::uint64_t>(facts.st_size));
}

PageFile::PageFile(PageFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      page_size_(other.page_size_) {}

PageFile::~PageFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

bool PageFile::read(std::uint64_t offset, char* into, std::size_t size) const noexcept {
    while (size > 0) {
        const ssize_t got = pread(descriptor_, into, size, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            error_ = got < 0 ? errno : 0;
            return false;
        }
        offset += static_cast<std::uint64_t>(got);
        into += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

std::optional<PageFile::Meta> PageFile::meta(int slot) {
    char bytes[kMetaSize];
    if (page_size_ == 0) {
        if (!read(0, bytes, sizeof bytes)) {
            return std::nullopt;
        }
        const auto size = number_at<std::uint32_t>(bytes + kFreeTable);
        if (number_at<std::uint32_t>(bytes + kPageHeader) != kMagic || size < 512 || size > 65536 ||
            (size & (size - 1)) != 0) {
            return std::nullopt;
        }
        page_size_ = size;
    }
    if (!read(page_size_ * static_cast<std::uint64_t>(slot), bytes, sizeof bytes) ||
        number_at<std::uint32_t>(bytes + kPageHeader) != kMagic ||
        number_at<std::uint32_t>(bytes + kPageHeader + 4) != kVersion) {
        return std::nullopt;
    }
    return Meta{slot, number_at<std::uint64_t>(bytes + kTransaction), number_at<std::uint64_t>(bytes + kLastPage),
                tree_at(bytes + kFreeTable), tree_at(bytes + kMainTable)};
}

std::optional<PageFile::Meta> PageFile::newest_meta() {
    std::optional<Meta> first = meta(0);
    std::optional<Meta> second = first ? meta(1) : std::nullopt;
    if (!second) {
        return std::nullopt;
    }
    return second->transaction > first->transaction ? second : first;
}

PageFile::Tree PageFile::tree_at(const char* bytes) noexcept {
    return {number_at<std::uint16_t>(bytes + 4),  number_at<std::uint16_t>(bytes + 6),
            number_at<std::uint64_t>(bytes + 8),  number_at<std::uint64_t>(bytes + 16),
            number_at<std::uint64_t>(bytes + 24), number_at<std::uint64_t>(bytes + 32),
            number_at<std::uint64_t>(bytes + 40)};
}

}  // namespace pharos::storage_lmdb
