#include "plugin/fingerprint_text.hpp"

#include <algorithm>
#include <vector>

namespace pharos::plugin {

namespace {

struct Field {
    std::string_view head;  ///< with which the field begins
    std::string_view what;
    std::string_view unit;  ///< before the value
};

constexpr Field kFields[] = {
    {"gcc", "the compiler is", "gcc "},
    {"c++", "the language is", "C++ "},
    {"cxx11abi", "_GLIBCXX_USE_CXX11_ABI (std::string) is", ""},
    {"stldebug", "_GLIBCXX_DEBUG is", ""},
    {"sanitizer=", "the sanitizer is", ""},
    {"spi=", "the SDK's interface headers have the digest", ""},
};

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

/// The field's value; "not told" when the fingerprint has none.
std::string value_of(std::string_view fingerprint, const Field& field) {
    for (const std::string_view part : split(fingerprint)) {
        if (part.starts_with(field.head)) {
            return std::string(field.unit) + std::string(part.substr(field.head.size()));
        }
    }
    return "not told";
}

}  // namespace

std::string explain_difference(std::string_view theirs, std::string_view ours) {
    std::string text;
    for (const Field& field : kFields) {
        const std::string its = value_of(theirs, field);
        const std::string own = value_of(ours, field);
        if (its != own) {
            text += (text.empty() ? "" : "; ") + std::string(field.what) + " " + its + ", this server's " + own;
        }
    }
    if (text.empty() && theirs != ours) {
        text = "its fingerprint is '" + std::string(theirs) + "', this server's '" + std::string(ours) + "'";
    }
    return text;
}

}  // namespace pharos::plugin
