#include "engine/reason.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pharos::health {

namespace {

constexpr std::size_t kLongest = 300;
constexpr std::string_view kCut = "…";

/// Bytes of the character that the text begins with; 0 when it begins with none that can be shown.
std::size_t character(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) {
        return first < 0x20 || first == 0x7F ? 0 : 1;
    }
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || size > text.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) {
            return 0;
        }
    }
    // Longer forms of short characters, surrogates, and what is beyond the last character.
    const bool is_none = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) ||
                         (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90);
    return is_none ? 0 : size;
}

}  // namespace

std::string presentable(std::string reason) {
    const bool is_plain = reason.size() <= kLongest &&
                          std::all_of(reason.begin(), reason.end(), [](char c) { return c >= ' ' && c < 0x7F; });
    if (is_plain) {
        return reason;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string shown;
    for (std::string_view rest = reason; !rest.empty();) {
        const std::size_t size = character(rest);
        const auto byte = static_cast<unsigned char>(rest.front());
        const char escaped[] = {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
        const std::string_view next = size > 0 ? rest.substr(0, size) : std::string_view(escaped, sizeof escaped);
        if (shown.size() + next.size() > kLongest) {
            shown += kCut;
            break;
        }
        shown += next;
        rest.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return shown;
}

}  // namespace pharos::health
