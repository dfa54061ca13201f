#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/settings.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::settings {

/// One checked value.
struct Value {
    spi::SettingType type = spi::SettingType::kString;
    std::int64_t number = 0;  ///< bool (0/1), integer, nanoseconds or bytes
    std::string text;
    std::vector<std::string> list;
};

/// Reads a value of the spec's type from text. The error names the value, what is expected and the limits.
[[nodiscard]] spi::Result<Value> parse_value(const spi::SettingSpec& spec, std::string_view text);
/// As the settings reference shows it: "20s", "64MiB", "true".
[[nodiscard]] std::string format_number(spi::SettingType type, std::int64_t number);

/// "150ms", "20s", "5m", "1h", "250us"; nanoseconds.
[[nodiscard]] spi::Result<std::int64_t> parse_duration(std::string_view text);
/// "512", "64KiB", "10MiB", "64GiB"; bytes.
[[nodiscard]] spi::Result<std::int64_t> parse_bytes(std::string_view text);

}  // namespace pharos::settings
