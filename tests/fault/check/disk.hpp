#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../shim/recorder.hpp"

namespace pharos::fault {

/// How much of what was not synced reaches the disk.
enum class Loss { kAll, kNothing, kWrites, kSectors, kTail };
inline constexpr Loss kLosses[] = {Loss::kAll, Loss::kNothing, Loss::kWrites, Loss::kSectors, Loss::kTail};

/// The disk below a recorded directory: what is certainly on it at a place of the recording, and what may be.
class Disk {
public:
    explicit Disk(std::string_view recording) : recording_(recording) {}

    /// Goes on to the last entry that begins before the place. Only forward.
    void play_until(std::uint64_t place);

    /// The files after a power cut here. Writes that were not synced arrive by the kind of loss: all lost, none, by
    /// the write, by the sector of 512 bytes, or all but some of the last ones.
    [[nodiscard]] std::map<std::string, std::string> after_cut(Loss loss, std::uint64_t seed) const;
    [[nodiscard]] const std::set<std::string>& folders() const noexcept { return folders_; }
    /// Files that are written through a map, of which nothing is known here.
    [[nodiscard]] const std::set<std::string>& mapped() const noexcept { return mapped_; }

private:
    struct Change {
        std::uint64_t place;
        std::uint64_t offset;
        std::optional<std::string_view> bytes;  ///< nothing: the size becomes `offset`
    };
    struct File {
        std::string synced;
        std::vector<Change> pending;
    };

    void apply(const Entry& entry, std::string_view bytes, std::uint64_t place);
    static void apply(std::string& contents, const Change& change);

    const std::string_view recording_;
    std::uint64_t place_ = 0;
    std::map<std::string, std::shared_ptr<File>> names_;
    std::map<std::uint32_t, std::shared_ptr<File>> opened_;
    std::map<std::uint32_t, std::string> opened_as_;
    std::set<std::string> folders_;
    std::set<std::string> mapped_;
};

}  // namespace pharos::fault
