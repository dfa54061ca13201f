#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::config {

// What stored values are made of: numbers, little endian; texts, each after its length of 32 bits.

inline void append_number(std::string& out, std::uint64_t number, std::size_t size = 8) {
    for (std::size_t i = 0; i < size; ++i) {
        out += static_cast<char>(number >> (8 * i) & 0xFF);
    }
}

inline void append_text(std::string& out, std::string_view text) {
    append_number(out, text.size(), 4);
    out += text;
}

/// Takes values off the front of stored bytes. What is not there reads as 0 or "" and makes it not ok.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) noexcept : rest_(bytes) {}

    std::uint64_t number(std::size_t size = 8) noexcept {
        const std::string_view bytes = take(size);
        std::uint64_t number = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            number |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
        }
        return number;
    }
    std::string_view text() noexcept { return take(number(4)); }

    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    [[nodiscard]] bool ok() const noexcept { return ok_; }

private:
    std::string_view take(std::uint64_t size) noexcept {
        if (rest_.size() < size) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
    bool ok_ = true;
};

/// 64 bits, big endian: keys that end so are in the order of the numbers.
inline void append_ordered(std::string& key, std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        key += static_cast<char>(number >> shift & 0xFF);
    }
}

/// The number that a key ends with; nothing when it is too short.
[[nodiscard]] inline std::optional<std::uint64_t> ordered_suffix(std::string_view key) noexcept {
    if (key.size() < 8) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    for (const char c : key.substr(key.size() - 8)) {
        number = number << 8 | static_cast<unsigned char>(c);
    }
    return number;
}

}  // namespace pharos::config
