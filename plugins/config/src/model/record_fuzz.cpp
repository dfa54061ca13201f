// Reads arbitrary bytes as a stored record, and as the field of a long poll. What is read must come back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "listen/polling_format.hpp"
#include "model/record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto record = pharos::config::decode(bytes); record && pharos::config::encode(*record) != bytes) {
        std::abort();
    }
    (void)pharos::config::parse_listening(bytes);
    return 0;
}
