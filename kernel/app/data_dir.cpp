#include "app/data_dir.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace pharos::app {

namespace {

spi::Status bad(const std::filesystem::path& path, const std::string& reason) {
    return {spi::Code::kUnavailable, "data directory " + path.string() + " " + reason};
}

}  // namespace

spi::Result<DataDir> DataDir::open(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) {
        return bad(path, "can't be made: " + error.message() + "; choose another with --data");
    }
    const int lock = ::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        return bad(path, std::string("can't be written: ") + std::strerror(errno) + "; choose another with --data");
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        char owner[32] = {};
        const ssize_t size = ::pread(lock, owner, sizeof owner - 1, 0);
        ::close(lock);
        return bad(path, "is in use by another server" + (size > 0 ? " (process " + std::string(owner) + ")" : "") +
                             "; choose another with --data");
    }
    const std::string self = std::to_string(::getpid());
    if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, self.data(), self.size(), 0) < 0) {
        const std::string reason = std::strerror(errno);
        ::close(lock);
        return bad(path, "can't be written: " + reason + "; choose another with --data");
    }
    return DataDir(path, lock);
}

DataDir::DataDir(DataDir&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDir::~DataDir() {
    if (lock_ >= 0) {
        ::close(lock_);
    }
}

std::filesystem::path default_data_dir() {
    if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0') {
        return std::filesystem::path(data) / "pharos";
    }
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
        return std::filesystem::path(home) / ".local" / "share" / "pharos";
    }
    return "pharos-data";
}

}  // namespace pharos::app
