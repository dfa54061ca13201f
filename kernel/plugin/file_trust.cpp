#include "plugin/file_trust.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace pharos::plugin {

namespace fs = std::filesystem;

namespace {

std::string user_name(uid_t id) {
    const passwd* entry = ::getpwuid(id);
    return entry != nullptr ? entry->pw_name : std::to_string(id);
}

std::string group_name(gid_t id) {
    const group* entry = ::getgrgid(id);
    return entry != nullptr ? entry->gr_name : std::to_string(id);
}

spi::Status distrust(const fs::path& path, const struct stat& about, const std::string& what, const std::string& mend,
                     Owner owner) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(about.st_mode & 07777));
    return {spi::Code::kDenied, path.string() + " " + what + " (mode " + mode + ", owner " + user_name(about.st_uid) +
                                    ":" + group_name(about.st_gid) + "), but only root" +
                                    (owner.user == 0 ? "" : " and " + user_name(owner.user)) +
                                    " may change plugins; mend it with: " + mend + " '" + path.string() + "'"};
}

enum class Place { kFile, kDirectory, kAbove };

spi::Status check_one(const fs::path& path, Owner owner, Place place) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) {
        return {spi::Code::kDenied, path.string() + ": " + std::generic_category().message(errno)};
    }
    if (about.st_uid != 0 && about.st_uid != owner.user) {
        return distrust(path, about, "belongs to another user", "chown root", owner);
    }
    if (place == Place::kAbove && (about.st_mode & S_ISVTX) != 0) {
        return {};  // others may add to it, but not replace what is ours
    }
    if ((about.st_mode & S_IWOTH) != 0) {
        return distrust(path, about, "can be written by everybody", "chmod o-w", owner);
    }
    if ((about.st_mode & S_IWGRP) != 0 && about.st_gid != 0 && about.st_gid != owner.group) {
        return distrust(path, about, "can be written by a group", "chmod g-w", owner);
    }
    return {};
}

}  // namespace

Owner Owner::of_process() noexcept { return {::geteuid(), ::getegid()}; }

spi::Status check_trust(const fs::path& resolved, Owner owner) {
    Place place = fs::is_directory(resolved) ? Place::kDirectory : Place::kFile;
    for (fs::path path = resolved;; path = path.parent_path()) {
        if (spi::Status status = check_one(path, owner, place); !status) {
            return status;
        }
        if (path == path.root_path()) {
            return {};
        }
        place = place == Place::kFile ? Place::kDirectory : Place::kAbove;
    }
}

}  // namespace pharos::plugin
