#pragma once

#include <cstdint>
#include <string_view>

namespace pharos::storage_lmdb {

/// CRC32C (Castagnoli) of the bytes, going on from the CRC of what came before; 0 begins. With the processor's
/// instruction where it has one.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t before, std::string_view bytes) noexcept;

/// The same, always without the instruction.
[[nodiscard]] std::uint32_t crc32c_portable(std::uint32_t before, std::string_view bytes) noexcept;

}  // namespace pharos::storage_lmdb
