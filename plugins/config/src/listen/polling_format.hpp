#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pharos::config {

/// One config that a long poll listens to (`protocol/config.md §2.4`).
struct Listened {
    std::string data_id;
    std::string group;
    std::string tenant;  ///< as the client wrote it; "" = none
    std::string md5;
};

/// Reads the field `Listening-Configs`, form-decoded already and decoded once more here. The error is the reference's
/// text. More than `most` entries are one.
struct ParsedListening {
    std::vector<Listened> entries;
    std::string error;
    bool too_many = false;
};
[[nodiscard]] ParsedListening parse_listening(std::string_view field, std::size_t most);

/// Appends dataId, group and tenant with the separators of the answer, percent-encoded.
void append_changed(std::string& body, const Listened& changed);

/// The number that the reference makes of a Client-Version: its dots dropped; 200 when there is none.
[[nodiscard]] int version_number(std::string_view client_version);

}  // namespace pharos::config
