#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/input_limits.hpp>
#include <pharos/spi/http.hpp>

namespace pharos::protocol {

/// Parameters of a request: the query string, then the fields of a form body, urlencoded or multipart, as one list
/// (`protocol/naming.md §0`, `protocol/core.md §3.1`).
///
/// Decoding is lenient as the reference's is: `+` is a blank, a `%` that starts no escape stands for itself. Views
/// point into the request or into this object and are valid while both live.
class Params {
public:
    /// At most so many name=value pairs are taken as `sdk::input_limits()` say; overflowed() tells if there were more.
    explicit Params(const spi::HttpRequest& request);
    Params(std::string_view query, std::string_view form);
    Params(const Params&) = delete;
    Params& operator=(const Params&) = delete;

    /// Decoded value of the first pair of this name, or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    /// Decoded and trimmed; "" when absent.
    [[nodiscard]] std::string_view get(std::string_view name) const;
    /// As get(), `fallback` when blank or absent.
    [[nodiscard]] std::string_view get_or(std::string_view name, std::string_view fallback) const;
    [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
    /// Counts the refusal of a request with too many, and gives the words for it.
    [[nodiscard]] static std::string refuse_overflow();

private:
    struct Pair {
        std::string_view name;
        std::string_view value;
        bool encoded = true;
    };

    void split(std::string_view text);
    void take_fields(const spi::HttpRequest& request);
    std::string_view decoded(std::string_view text) const;

    const std::size_t most_ = sdk::input_limits().parameters.most();
    std::vector<Pair> pairs_;
    mutable std::deque<std::string> decoded_;
    bool overflowed_ = false;
};

/// v1: true, on, yes, y and t mean true, all else false (`protocol/naming.md §0`).
[[nodiscard]] bool word_is_true(std::string_view word) noexcept;
/// v2 and v3: true, on, yes, 1 and false, off, no, 0, whatever their case; nothing for other text.
[[nodiscard]] std::optional<bool> truth_of(std::string_view word) noexcept;
/// The whole text as a decimal number.
[[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view text) noexcept;
/// The whole text as a finite number.
[[nodiscard]] std::optional<double> decimal_number(std::string_view text) noexcept;

/// Decodes application/x-www-form-urlencoded text, leniently.
[[nodiscard]] std::string decode_form(std::string_view text);
/// Percent-encodes all but letters, digits and `-_.~`.
[[nodiscard]] std::string encode_uri(std::string_view text);
/// Whether both are the same but for the case of ASCII letters.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// Without ASCII white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

}  // namespace pharos::protocol
