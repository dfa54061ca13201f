#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pharos::spi {

enum class SettingType : std::uint8_t {
    kBool = 0,
    kInteger = 1,
    kDuration = 2,  ///< "150ms", "20s", "5m", "1h"; read as nanoseconds
    kBytes = 3,     ///< "64KiB", "10MiB", "64GiB" or a plain number; read as bytes
    kString = 4,
    kStringList = 5,
};

/// One setting of a plugin, as a constant in its descriptor. The key is below the plugin's section: `window` of the
/// plugin `naming` is `naming.window` in TOML and `PHAROS_NAMING_WINDOW` in the environment. Dots make sub-tables.
struct SettingSpec {
    const char* key;
    SettingType type;
    const char* default_value;  ///< as it would be written in the environment; lists are comma-separated
    std::int64_t min;           ///< smallest allowed number (integers, nanoseconds, bytes); ignored for other types
    std::int64_t max;
    const char* help;  ///< one sentence, with the unit
};

/// A plugin's validated settings. Every key of its schema has a value. Asking for a key or type that the schema does
/// not have is a programming error and ends the process. Valid until the plugin has stopped; any thread.
class Settings {
public:
    [[nodiscard]] virtual bool boolean(std::string_view key) const noexcept = 0;
    [[nodiscard]] virtual std::int64_t integer(std::string_view key) const noexcept = 0;  ///< also durations, bytes
    [[nodiscard]] virtual std::string_view string(std::string_view key) const noexcept = 0;
    [[nodiscard]] virtual const std::vector<std::string>& list(std::string_view key) const noexcept = 0;

protected:
    ~Settings() = default;
};

}  // namespace pharos::spi
