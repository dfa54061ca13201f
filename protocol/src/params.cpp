#include <pharos/protocol/params.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>

#include <pharos/protocol/multipart.hpp>

namespace pharos::protocol {

namespace {

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) noexcept {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view known) { return equals_ignoring_case(word, known); });
}

template <class Number>
std::optional<Number> whole_text(std::string_view text) noexcept {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole ? std::optional(number) : std::nullopt;
}

bool is_form(std::string_view content_type) noexcept {
    return equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))),
                                "application/x-www-form-urlencoded");
}

}  // namespace

bool word_is_true(std::string_view word) noexcept { return is_one_of(word, {"true", "on", "yes", "y", "t"}); }

std::optional<bool> truth_of(std::string_view word) noexcept {
    if (is_one_of(word, {"true", "on", "yes", "1"})) {
        return true;
    }
    return is_one_of(word, {"false", "off", "no", "0"}) ? std::optional(false) : std::nullopt;
}

std::optional<std::int64_t> whole_number(std::string_view text) noexcept { return whole_text<std::int64_t>(text); }

std::optional<double> decimal_number(std::string_view text) noexcept {
    const std::optional<double> number = whole_text<double>(text);
    return number && std::isfinite(*number) ? number : std::nullopt;
}

std::string decode_form(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
        } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                   hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string encode_uri(std::string_view text) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size() + 16);
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view kBlank = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Params::Params(const spi::HttpRequest& request)
    : Params(request.query, is_form(request.header("content-type")) ? request.body : std::string_view{}) {
    take_fields(request);
}

Params::Params(std::string_view query, std::string_view form) {
    pairs_.reserve(16);
    split(query);
    split(form);
}

std::string Params::refuse_overflow() {
    sdk::InputLimit& limit = sdk::input_limits().parameters;
    limit.count_refusal();
    return "the request has more than " + std::to_string(limit.most()) + " parameters (http.max_parameters)";
}

void Params::split(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (pair.empty()) {
            continue;
        }
        if (pairs_.size() == most_) {
            overflowed_ = true;
            return;
        }
        const std::size_t equals = pair.find('=');
        const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        pairs_.push_back({decoded(pair.substr(0, equals)), value});
    }
}

void Params::take_fields(const spi::HttpRequest& request) {
    const std::size_t room = most_ - pairs_.size();
    const std::vector<MultipartPart> parts = parse_multipart(request.header("content-type"), request.body, room + 1);
    if (parts.size() > room) {  // files count too: what is cut off behind them may be a field
        overflowed_ = true;
        return;
    }
    for (const MultipartPart& part : parts) {
        if (!part.is_file) {
            pairs_.push_back({part.name, part.content, false});
        }
    }
}

std::string_view Params::decoded(std::string_view text) const {
    if (text.find_first_of("%+") == std::string_view::npos) {
        return text;
    }
    return decoded_.emplace_back(decode_form(text));
}

std::optional<std::string_view> Params::find(std::string_view name) const {
    for (const Pair& pair : pairs_) {
        if (pair.name == name) {
            return pair.encoded ? decoded(pair.value) : pair.value;
        }
    }
    return std::nullopt;
}

std::string_view Params::get(std::string_view name) const { return trimmed(find(name).value_or(std::string_view{})); }

std::string_view Params::get_or(std::string_view name, std::string_view fallback) const {
    const std::string_view value = get(name);
    return value.empty() ? fallback : value;
}

}  // namespace pharos::protocol
