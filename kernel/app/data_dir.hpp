#pragma once

#include <filesystem>
#include <string>

#include <pharos/spi/status.hpp>

namespace pharos::app {

/// The data directory, made when it is missing, and locked against a second process while this object lives.
class DataDir {
public:
    static spi::Result<DataDir> open(const std::filesystem::path& path);

    DataDir(DataDir&& other) noexcept;
    DataDir& operator=(DataDir&&) = delete;
    ~DataDir();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    DataDir(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

    std::filesystem::path path_;
    int lock_;
};

/// Where data goes when nobody says: $XDG_DATA_HOME/pharos, else ~/.local/share/pharos, else ./pharos-data.
[[nodiscard]] std::filesystem::path default_data_dir();

}  // namespace pharos::app
