#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pharos::config {

/// A value to be looked for, as parameters of lists have it (`protocol/config.md §10` trap 21): `*` and `%` stand for
/// any text, `_` for one character. The whole text must fit. Never slower than text times pattern.
class LikePattern {
public:
    /// Which signs stand for others.
    enum class Signs { kNone, kStar, kAll };

    explicit LikePattern(std::string_view text, Signs signs = Signs::kAll);

    [[nodiscard]] bool matches(std::string_view text) const noexcept;
    /// True: only one text fits, the pattern itself.
    [[nodiscard]] bool is_exact() const noexcept { return parts_.size() == 1 && !singles_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    [[nodiscard]] std::size_t match_at(std::string_view part, std::string_view text, std::size_t at) const noexcept;

    std::string text_;
    bool singles_ = false;            ///< `_` is a sign and there is one
    std::vector<std::string> parts_;  ///< what is between the signs for any text
};

}  // namespace pharos::config
