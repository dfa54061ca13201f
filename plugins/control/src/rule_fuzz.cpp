#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rule.hpp"

/// What operators write: rule files, and rules in settings.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(pharos::control::parse_rule_file(text));
    static_cast<void>(pharos::control::parse_connection_file(text));
    static_cast<void>(pharos::control::parse_setting(text));
    return 0;
}
