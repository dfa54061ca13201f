#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "crc32c.hpp"

namespace pharos::storage_lmdb {

/// Every value on disk but the format number is sealed: 4 bytes of CRC32C over its key and itself, little endian, then
/// the bytes. The key is part of it, so that a value does not pass for that of another key.
inline constexpr std::size_t kSealBytes = 4;

/// The seal of `head` and `body`, which are stored one after the other.
[[nodiscard]] inline std::uint32_t seal_of(std::string_view key, std::string_view head,
                                           std::string_view body = {}) noexcept {
    return crc32c(crc32c(crc32c(0, key), head), body);
}

inline void write_seal(char* at, std::uint32_t seal) noexcept {
    for (std::size_t i = 0; i < kSealBytes; ++i) {
        at[i] = static_cast<char>(seal >> (8 * i) & 0xFF);
    }
}

/// The bytes below the seal; nothing when they are not those that were written.
[[nodiscard]] inline std::optional<std::string_view> open_seal(std::string_view key, std::string_view sealed) noexcept {
    if (sealed.size() < kSealBytes) {
        return std::nullopt;
    }
    char expected[kSealBytes];
    const std::string_view bytes = sealed.substr(kSealBytes);
    write_seal(expected, seal_of(key, bytes));
    return std::memcmp(expected, sealed.data(), kSealBytes) == 0 ? std::optional(bytes) : std::nullopt;
}

}  // namespace pharos::storage_lmdb
