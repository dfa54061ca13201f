#pragma once

#include <sys/types.h>

#include <filesystem>

#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// Who may write to plugins besides root.
struct Owner {
    uid_t user = 0;
    gid_t group = 0;

    /// The user and primary group of this process.
    [[nodiscard]] static Owner of_process() noexcept;
};

/// Whether nobody but root and the owner can change the file or put another in its place: neither it nor a directory
/// above it, up to /, may belong to or be writable by anybody else. Directories above the file's own may be writable by
/// all when they are sticky, as /tmp is. The path must be free of symbolic links. The error names the path that is
/// wrong, its mode and owner, and the command that mends it.
[[nodiscard]] spi::Status check_trust(const std::filesystem::path& resolved, Owner owner);

}  // namespace pharos::plugin
