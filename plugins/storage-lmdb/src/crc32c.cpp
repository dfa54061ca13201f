#include "crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace pharos::storage_lmdb {

namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // bits reversed

/// kTables[n][b]: the CRC of byte b with n zero bytes behind it, so that eight bytes take one step.
constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
        }
        tables[0][byte] = crc;
    }
    for (std::size_t n = 1; n < 8; ++n) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t shorter = tables[n - 1][byte];
            tables[n][byte] = shorter >> 8 ^ tables[0][shorter & 0xFF];
        }
    }
    return tables;
}

constexpr auto kTables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_instruction(std::uint32_t before,
                                                                   std::string_view bytes) noexcept {
    std::uint64_t crc = before ^ 0xFFFFFFFF;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    auto low = static_cast<std::uint32_t>(crc);
    for (; left > 0; ++at, --left) {
        low = _mm_crc32_u8(low, static_cast<unsigned char>(*at));
    }
    return low ^ 0xFFFFFFFF;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(std::uint32_t before, std::string_view bytes) noexcept {
    std::uint32_t crc = before ^ 0xFFFFFFFF;
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    std::size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
        crc ^= static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
               static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
        crc = kTables[7][crc & 0xFF] ^ kTables[6][crc >> 8 & 0xFF] ^ kTables[5][crc >> 16 & 0xFF] ^
              kTables[4][crc >> 24] ^ kTables[3][at[4]] ^ kTables[2][at[5]] ^ kTables[1][at[6]] ^ kTables[0][at[7]];
    }
    for (; left > 0; ++at, --left) {
        crc = crc >> 8 ^ kTables[0][(crc ^ *at) & 0xFF];
    }
    return crc ^ 0xFFFFFFFF;
}

std::uint32_t crc32c(std::uint32_t before, std::string_view bytes) noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_instruction(before, bytes);
    }
#endif
    return crc32c_portable(before, bytes);
}

}  // namespace pharos::storage_lmdb
