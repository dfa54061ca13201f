#include "plugin/file_bytes.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pharos::plugin {

spi::Result<FileBytes> FileBytes::map(const std::filesystem::path& file) {
    const auto failed = [] {
        return spi::Status(spi::Code::kUnavailable, "can't be read: " + std::generic_category().message(errno));
    };
    // Not to wait for the other end of what turns out to be a pipe.
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return failed();
    }
    struct stat about {};
    if (::fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        ::close(descriptor);
        return spi::Status(spi::Code::kInvalidArgument, "is no file");
    }
    const auto size = static_cast<std::size_t>(about.st_size);
    void* const begin = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const spi::Status status = begin == MAP_FAILED ? failed() : spi::Status();
    ::close(descriptor);
    if (!status) {
        return status;
    }
    return FileBytes({static_cast<const char*>(begin), size});
}

FileBytes::~FileBytes() {
    if (!bytes_.empty()) {
        ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
    }
}

}  // namespace pharos::plugin
