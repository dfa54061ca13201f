#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// The bytes of a file, mapped. Move-only.
class FileBytes {
public:
    /// The error is a clause that goes after the file's name.
    [[nodiscard]] static spi::Result<FileBytes> map(const std::filesystem::path& file);
    FileBytes(FileBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    FileBytes& operator=(FileBytes&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~FileBytes();

    [[nodiscard]] std::string_view view() const noexcept { return bytes_; }

private:
    explicit FileBytes(std::string_view bytes) noexcept : bytes_(bytes) {}

    std::string_view bytes_;
};

}  // namespace pharos::plugin
