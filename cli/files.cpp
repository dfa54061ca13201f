#include "cli/files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <sys/stat.h>

namespace pharos::cli {

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

spi::Status bad(const std::string& path, const char* what) {
    return {spi::Code::kUnavailable, path + " can't be " + what + ": " + std::strerror(errno)};
}

}  // namespace

spi::Result<std::string> read_file(const std::string& path) {
    const bool is_stdin = path == "-";
    const File file(
        is_stdin ? stdin : std::fopen(path.c_str(), "rb"),
        is_stdin ? [](std::FILE*) { return 0; } : [](std::FILE* open) { return std::fclose(open); });
    if (file == nullptr) {
        return bad(path, "read");
    }
    std::string content;
    char piece[65536];
    while (const std::size_t size = std::fread(piece, 1, sizeof piece, file.get())) {
        content.append(piece, size);
    }
    return std::ferror(file.get()) != 0 ? spi::Result<std::string>(bad(path, "read")) : content;
}

spi::Status write_file(const std::string& path, std::string_view content) {
    struct stat there {};
    const bool exists = ::lstat(path.c_str(), &there) == 0;
    const bool in_place = exists && !S_ISREG(there.st_mode);
    const std::string draft = in_place ? path : path + ".pharos-tmp";
    std::FILE* file = std::fopen(draft.c_str(), "wb");
    if (file == nullptr) {
        return bad(path, "written");
    }
    bool done = !exists || in_place || ::fchmod(::fileno(file), there.st_mode & 07777) == 0;
    done = std::fwrite(content.data(), 1, content.size(), file) == content.size() && done;
    done = std::fclose(file) == 0 && done;
    if (!done || (!in_place && std::rename(draft.c_str(), path.c_str()) != 0)) {
        const spi::Status status = bad(path, "written");
        if (!in_place) {
            std::remove(draft.c_str());
        }
        return status;
    }
    return {};
}

}  // namespace pharos::cli
