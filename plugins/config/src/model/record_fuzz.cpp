// Reads arbitrary bytes as everything that is stored, as the field of a long poll, and as a pattern. What is stored and
// can be read must come back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "history/row.hpp"
#include "listen/polling_format.hpp"
#include "model/pattern.hpp"
#include "model/record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pharos::config;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto record = view_of(bytes)) {
        const std::string again = encode(*record);
        // A record of version 1 comes back as one of version 2, once.
        if (bytes.front() == 1 ? encode(*view_of(again)) != again : again != bytes) {
            std::abort();
        }
    }
    if (const auto row = row_of(bytes); row && encode(*row) != bytes) {
        std::abort();
    }
    if (const auto mark = mark_of(bytes); mark && encode(*mark) != bytes) {
        std::abort();
    }
    (void)parse_listening(bytes, 100);
    (void)ConfigKey::parse(bytes);
    const std::size_t middle = bytes.find('\n');
    if (middle != std::string_view::npos) {
        (void)LikePattern(bytes.substr(0, middle)).matches(bytes.substr(middle + 1));
    }
    return 0;
}
