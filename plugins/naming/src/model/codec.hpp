#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/instance.hpp"

namespace pharos::naming {

/// Appends what is stored: numbers little endian, texts after their length of 32 bits.
class ByteWriter {
public:
    explicit ByteWriter(std::string& out) noexcept : out_(out) {}

    void number(std::uint64_t number, std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; ++i) {
            out_ += static_cast<char>(number >> (8 * i) & 0xFF);
        }
    }
    void boolean(bool value) { number(value ? 1 : 0, 1); }
    void real(double value) { number(std::bit_cast<std::uint64_t>(value), 8); }
    void count(std::size_t items) { number(items, 4); }
    void text(std::string_view text) {
        count(text.size());
        out_ += text;
    }
    void pairs(const Metadata& pairs) {
        count(pairs.size());
        for (const auto& [key, value] : pairs) {
            text(key);
            text(value);
        }
    }

private:
    std::string& out_;
};

/// Reads it back, whatever the bytes are: after the first thing that does not fit, ok() is false for good and
/// everything reads as zero or empty.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// Everything was read, and all of it fitted.
    [[nodiscard]] bool ended() const noexcept { return ok_ && bytes_.empty(); }

    std::uint64_t number(std::size_t size) {
        if (!has(size)) {
            return 0;
        }
        std::uint64_t number = 0;
        for (std::size_t i = 0; i < size; ++i) {
            number |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
        }
        bytes_.remove_prefix(size);
        return number;
    }
    bool boolean() {
        const std::uint64_t value = number(1);
        ok_ = ok_ && value <= 1;
        return value == 1;
    }
    double real() { return std::bit_cast<double>(number(8)); }
    /// Of items that take at least `smallest` bytes each: a count that can't be true is refused before it is believed.
    std::size_t count(std::size_t smallest) {
        const auto items = static_cast<std::size_t>(number(4));
        return has(items * smallest) ? items : 0;
    }
    std::string_view text() {
        const std::size_t size = count(1);
        const std::string_view text = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return text;
    }
    Metadata pairs() {
        Metadata pairs;
        for (std::size_t left = count(8); left > 0 && ok_; --left) {
            const std::string_view key = text();
            pairs.emplace_back(key, text());
        }
        return pairs;
    }

private:
    bool has(std::size_t size) noexcept {
        ok_ = ok_ && bytes_.size() >= size;
        return ok_;
    }

    std::string_view bytes_;
    bool ok_ = true;
};

}  // namespace pharos::naming
