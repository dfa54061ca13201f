#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/plugin.hpp>
#include <pharos/spi/status.hpp>

#include "plugin/elf_file.hpp"

namespace pharos::plugin {

/// A descriptor as it stands in a file, copied out of it.
struct DescriptorText {
    struct Setting {
        std::string key;
        spi::SettingType type = spi::SettingType::kString;
        std::string default_value;
        std::int64_t min = 0;
        std::int64_t max = 0;
        std::string help;
    };

    std::string spi_symbol;  ///< "pharos_spi_abi_3"
    std::string fingerprint;
    std::string name;
    std::string version;
    std::vector<std::string> provides;
    std::vector<std::string> requires_;
    std::vector<Setting> settings;
};

/// What a plugin must have been built with.
struct Toolchain {
    std::string_view spi_symbol = PHAROS_TEXT(PHAROS_SPI_ABI_SYMBOL);
    std::string_view fingerprint = PHAROS_FINGERPRINT;
};

/// Reads the descriptor from the file of a plugin, strictly and without running anything of it. Errors, each a clause
/// that goes after the file's name: no descriptor, another layout, another SPI version or toolchain (with what
/// differs), text that is missing, too long or not of its kind, lists with holes, settings that can't be (a default
/// that is not of its type or not within its limits included), no way to make the plugin.
///
/// `found` gets what could be read, also in case of an error.
[[nodiscard]] spi::Status read_descriptor(const ElfFile& file, DescriptorText& found, const Toolchain& ours = {});

}  // namespace pharos::plugin
