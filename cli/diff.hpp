#pragma once

#include <string>
#include <string_view>

namespace pharos::cli {

/// What has changed between two texts, in the unified format with three lines around each change and heads that name
/// the texts; empty when they are equal. A change in whether the text ends with a line break is shown as diff(1) does.
[[nodiscard]] std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                                       std::string_view after_name);

}  // namespace pharos::cli
