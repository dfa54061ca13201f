#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pharos::http {

/// A request target taken apart. Views point into the target.
struct Target {
    std::string_view raw_path;
    std::string_view query;  ///< without "?"
};

/// Splits origin form ("/a?b") and absolute form ("http://host/a?b"); a fragment is cut.
[[nodiscard]] Target split_target(std::string_view target) noexcept;

/// The one form of a path that routing and authorisation see: percent-decoded once, ";parameters" of segments dropped,
/// "//", "." and ".." resolved, no "/" at the end. What is in that form already is returned as it is; otherwise
/// `storage` holds the result.
///
/// Nothing: no absolute path, an invalid escape, an escaped "/" or "\", a control character, or ".." above the root.
/// Escaped separators are refused as the reference server does: they would mean one thing to a proxy in front and
/// another to us.
[[nodiscard]] std::optional<std::string_view> canonical_path(std::string_view raw_path, std::string& storage);

/// Whether a Content-Type says that the body is a form as URLs encode it.
[[nodiscard]] bool is_form(std::string_view content_type) noexcept;

/// First parameter of this exact name in a query or form body, decoded ("+" is a blank); "" when absent. `storage`
/// holds the result if it had to be decoded.
[[nodiscard]] std::string_view find_parameter(std::string_view form, std::string_view name, std::string& storage);

}  // namespace pharos::http
