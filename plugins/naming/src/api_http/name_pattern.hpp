#pragma once

#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include <pharos/spi/status.hpp>

namespace pharos::naming {

/// What somebody searches names for: a regular expression that a name contains (`protocol/naming.md §11`, trap 22).
///
/// Text without any syntax but `.` is compared as it is; the rest goes to a matcher whose time does not explode with
/// the expression, and which knows no back-references therefore.
class NamePattern {
public:
    static constexpr std::size_t kLongest = 256;

    /// "" matches every name. Error kInvalidArgument: the text is no regular expression, or too long a one.
    [[nodiscard]] static spi::Result<NamePattern> parse(std::string_view text);

    [[nodiscard]] bool matches(std::string_view name) const;

private:
    NamePattern() = default;

    std::string plain_;  ///< `.` stands for any character
    std::optional<std::regex> expression_;
};

}  // namespace pharos::naming
