#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <string>

namespace pharos::cli {

namespace {

struct Range {
    char32_t first;
    char32_t last;
};

// Unicode 15, East Asian Width W and F, joined where nothing narrow is between that anybody would name a thing with.
constexpr std::array<Range, 20> kWide{{{0x1100, 0x115F}, {0x231A, 0x231B}, {0x23E9, 0x23EC}, {0x25FD, 0x25FE},
                                       {0x2614, 0x2615}, {0x26A1, 0x26A1}, {0x2705, 0x2705}, {0x2728, 0x2728},
                                       {0x274C, 0x274C}, {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF},
                                       {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xA960, 0xA97C}, {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF01, 0xFF60}, {0xFFE0, 0xFFE6}}};
constexpr std::array<Range, 3> kWideBeyond{{{0x17000, 0x18CFF}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 7> kZero{{{0x0300, 0x036F},
                                      {0x0591, 0x05BD},
                                      {0x1AB0, 0x1AFF},
                                      {0x200B, 0x200F},
                                      {0x20D0, 0x20FF},
                                      {0xFE00, 0xFE0F},
                                      {0xFE20, 0xFE2F}}};

template <std::size_t N>
bool contains(const std::array<Range, N>& ranges, char32_t c) noexcept {
    return std::any_of(ranges.begin(), ranges.end(), [c](const Range& r) { return c >= r.first && c <= r.last; });
}

/// Takes one character off the front; a byte that is not UTF-8 counts as one.
char32_t take(std::string_view& text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    char32_t c = size == 1 ? lead : lead & (0xFF >> (size + 1));
    std::size_t used = 1;
    while (used < size && used < text.size() && (byte(used) & 0xC0) == 0x80) {
        c = (c << 6) | (byte(used) & 0x3F);
        ++used;
    }
    text.remove_prefix(used);
    return c;
}

std::size_t width_of(char32_t c) noexcept {
    if (contains(kZero, c)) {
        return 0;
    }
    return contains(kWide, c) || contains(kWideBeyond, c) ? 2 : 1;
}

struct Ending {
    std::string_view ending;
    std::string_view type;
};
constexpr std::array<Ending, 9> kEndings{{{".properties", "properties"},
                                          {".yaml", "yaml"},
                                          {".yml", "yaml"},
                                          {".json", "json"},
                                          {".xml", "xml"},
                                          {".html", "html"},
                                          {".htm", "html"},
                                          {".toml", "toml"},
                                          {".txt", "text"}}};

}  // namespace

std::size_t display_width(std::string_view utf8) noexcept {
    std::size_t width = 0;
    while (!utf8.empty()) {
        width += width_of(take(utf8));
    }
    return width;
}

std::string cut_to_width(std::string_view utf8, std::size_t width) {
    if (display_width(utf8) <= width) {
        return std::string(utf8);
    }
    std::string_view rest = utf8;
    std::size_t used = 0;
    std::size_t end = 0;
    while (!rest.empty()) {
        const std::size_t next = width_of(take(rest));
        if (used + next + 1 > width) {
            break;
        }
        used += next;
        end = utf8.size() - rest.size();
    }
    return width == 0 ? std::string() : std::string(utf8.substr(0, end)) + "…";
}

bool matches(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last `*` seen, and how much of the text it has taken
    std::size_t taken = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

std::string_view type_of_data_id(std::string_view data_id) noexcept {
    for (const Ending& known : kEndings) {
        if (data_id.ends_with(known.ending)) {
            return known.type;
        }
    }
    return "text";
}

const std::vector<std::string>& config_types() {
    static const std::vector<std::string> types{"text", "json", "xml", "yaml", "html", "properties", "toml"};
    return types;
}

std::string local_time(std::int64_t wall_ms) {
    if (wall_ms == 0) {
        return "-";
    }
    const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    return text;
}

std::int64_t parse_time(std::string_view text) {
    const std::string copy(text);
    std::tm parts{};
    const char* rest = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (rest != nullptr) {
        return static_cast<std::int64_t>(timegm(&parts)) * 1000;
    }
    parts = {};
    rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) {
        return 0;
    }
    int millis = 0;
    if (*rest == '.') {
        char* end = nullptr;
        millis = static_cast<int>(std::strtol(rest + 1, &end, 10));
        rest = end;
    }
    int hours = 0;
    int minutes = 0;
    char sign = '+';
    if (std::sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3) {
        hours = 0;
        minutes = 0;
    }
    const std::int64_t offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return (static_cast<std::int64_t>(timegm(&parts)) - offset) * 1000 + millis;
}

}  // namespace pharos::cli
