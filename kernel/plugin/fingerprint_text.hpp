#pragma once

#include <string>
#include <string_view>

namespace pharos::plugin {

/// What differs between two fingerprints (spi/fingerprint.hpp), in plain words and field by field: "the compiler is
/// gcc 11, this server's is gcc 12". Empty when nothing does.
[[nodiscard]] std::string explain_difference(std::string_view theirs, std::string_view ours);

}  // namespace pharos::plugin
