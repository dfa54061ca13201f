#include <pharos/sdk/json_writer.hpp>

#include <array>
#include <cmath>

namespace pharos::sdk {

namespace {

/// What a byte becomes inside quotes: 0 = itself, 'u' = \u00XX, else a backslash and the character.
constexpr std::array<char, 256> kEscapes = [] {
    std::array<char, 256> table{};
    for (int byte = 0; byte < 0x20; ++byte) {
        table[static_cast<std::size_t>(byte)] = 'u';
    }
    table['"'] = '"';
    table['\\'] = '\\';
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    return table;
}();

}  // namespace

void JsonWriter::append_quoted(std::string& out, std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    out += '"';
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const char escape = kEscapes[byte];
        if (escape == 0) [[likely]] {
            continue;
        }
        out.append(text, plain, i - plain);
        plain = i + 1;
        out += '\\';
        out += escape;
        if (escape == 'u') {
            const char code[] = {'0', '0', kHex[byte >> 4], kHex[byte & 15]};
            out.append(code, sizeof code);
        }
    }
    out.append(text, plain);
    out += '"';
}

void JsonWriter::append_double(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "0.0";
        return;
    }
    char text[40];
    char* end = std::to_chars(text, text + sizeof text, number).ptr;
    const std::string_view written(text, static_cast<std::size_t>(end - text));
    out += written;
    if (written.find_first_of(".e") == std::string_view::npos) {
        out += ".0";
    }
}

}  // namespace pharos::sdk
