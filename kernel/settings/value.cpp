#include "settings/value.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace pharos::settings {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

constexpr std::array<Unit, 6> kDurations{{{"us", 1'000},
                                          {"ms", 1'000'000},
                                          {"s", 1'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"d", 86'400'000'000'000}}};
constexpr std::array<Unit, 4> kBytes{{{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.back() == ' ') {
        text.remove_suffix(1);
    }
    return text;
}

template <std::size_t N>
spi::Result<std::int64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units, const char* form) {
    text = trimmed(text);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
    for (const Unit& known : units) {
        if (error == std::errc{} && unit == known.name) {
            std::int64_t scaled = 0;
            if (__builtin_mul_overflow(number, known.factor, &scaled)) {
                return bad("'" + std::string(text) + "' is too large");
            }
            return scaled;
        }
    }
    return bad("'" + std::string(text) + "' is not " + form);
}

spi::Result<std::int64_t> parse_integer(std::string_view text) {
    text = trimmed(text);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return bad("'" + std::string(text) + "' is not a whole number");
    }
    return number;
}

spi::Result<std::int64_t> parse_bool(std::string_view text) {
    text = trimmed(text);
    if (text == "true" || text == "false") {
        return std::int64_t{text == "true"};
    }
    return bad("'" + std::string(text) + "' is neither true nor false");
}

spi::Result<std::int64_t> parse_number(spi::SettingType type, std::string_view text) {
    switch (type) {
        case spi::SettingType::kBool: return parse_bool(text);
        case spi::SettingType::kDuration: return parse_duration(text);
        case spi::SettingType::kBytes: return parse_bytes(text);
        default: return parse_integer(text);
    }
}

bool is_limited(spi::SettingType type) {
    return type == spi::SettingType::kInteger || type == spi::SettingType::kDuration ||
           type == spi::SettingType::kBytes;
}

template <std::size_t N>
std::string with_unit(std::int64_t number, const std::array<Unit, N>& units) {
    std::string_view name = units[0].name;
    std::int64_t factor = units[0].factor;
    for (const Unit& unit : units) {
        if (number != 0 && number % unit.factor == 0) {
            name = unit.name;
            factor = unit.factor;
        }
    }
    return std::to_string(number / factor) + std::string(name);
}

}  // namespace

spi::Result<std::int64_t> parse_duration(std::string_view text) {
    return parse_with_unit(text, kDurations, "a duration such as 150ms, 20s, 5m or 1h");
}

spi::Result<std::int64_t> parse_bytes(std::string_view text) {
    return parse_with_unit(text, kBytes, "a size such as 512, 64KiB, 10MiB or 1GiB");
}

std::string format_number(spi::SettingType type, std::int64_t number) {
    switch (type) {
        case spi::SettingType::kBool: return number != 0 ? "true" : "false";
        case spi::SettingType::kDuration: return with_unit(number, kDurations);
        case spi::SettingType::kBytes: return with_unit(number, kBytes);
        default: return std::to_string(number);
    }
}

spi::Result<Value> parse_value(const spi::SettingSpec& spec, std::string_view text) {
    Value value{.type = spec.type, .number = 0, .text = std::string(text), .list = {}};
    if (spec.type == spi::SettingType::kString) {
        return value;
    }
    if (spec.type == spi::SettingType::kStringList) {
        while (!text.empty()) {
            const std::size_t end = text.find(',');
            const std::string_view item = trimmed(text.substr(0, end));
            if (!item.empty()) {
                value.list.emplace_back(item);
            }
            text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        }
        return value;
    }
    const spi::Result<std::int64_t> number = parse_number(spec.type, text);
    if (!number) {
        return number.error();
    }
    value.number = number.value();
    if (is_limited(spec.type) && (value.number < spec.min || value.number > spec.max)) {
        return bad("'" + std::string(text) + "' is not between " + format_number(spec.type, spec.min) + " and " +
                   format_number(spec.type, spec.max));
    }
    return value;
}

}  // namespace pharos::settings
