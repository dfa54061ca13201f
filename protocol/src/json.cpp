#include <pharos/protocol/json.hpp>

#include <boost/json/error.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>

#include <charconv>
#include <cmath>

#include <pharos/sdk/input_limits.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::protocol {

namespace json = boost::json;

namespace {

const json::value* find_member(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<double> parse_number(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) {
        return std::nullopt;
    }
    return number;
}

}  // namespace

JsonDocument::JsonDocument(std::string_view text) : memory_(buffer_, sizeof buffer_) {
    sdk::InputLimit& depth = sdk::input_limits().json_depth;
    parse(text, depth.most());
    if (too_deep_) {
        depth.count_refusal();
        status_ = {spi::Code::kInvalidArgument,
                   "nested deeper than " + std::to_string(depth.most()) + " (server.max_json_depth)"};
    }
}

JsonDocument::JsonDocument(std::string_view text, Stored) : memory_(buffer_, sizeof buffer_) {
    parse(text, sdk::InputLimits::kMostJsonDepth);
}

void JsonDocument::parse(std::string_view text, std::size_t depth) {
    json::parse_options options;
    options.max_depth = depth;
    boost::system::error_code error;
    // The object keeps its values in memory_, which is never freed piecewise: what a client sends bounds it.
    value_ = json::value(json::parse(text, error, json::storage_ptr(&memory_), options));
    if (error) {
        too_deep_ = error == json::error::too_deep;
        status_ = {spi::Code::kInvalidArgument, error.message()};
    } else if (const json::object* object = value_.if_object()) {
        root_ = object;
    } else {
        status_ = {spi::Code::kInvalidArgument, "not a JSON object"};
    }
}

std::string_view JsonDocument::text_of(const json::value& value) const {
    if (const json::string* text = value.if_string()) {
        return {text->data(), text->size()};
    }
    if (const bool* truth = value.if_bool()) {
        return *truth ? "true" : "false";
    }
    std::string number;
    if (const std::int64_t* whole = value.if_int64()) {
        number = std::to_string(*whole);
    } else if (const std::uint64_t* large = value.if_uint64()) {
        number = std::to_string(*large);
    } else if (const double* real = value.if_double()) {
        sdk::JsonWriter::append_double(number, *real);
    }
    return converted_.emplace_front(std::move(number));
}

std::optional<std::string_view> JsonDocument::find_text(const json::object& object, std::string_view name) const {
    const json::value* value = find_member(object, name);
    return value == nullptr ? std::nullopt : std::optional(text_of(*value));
}

std::string_view JsonDocument::text(const json::object& object, std::string_view name) const {
    return find_text(object, name).value_or(std::string_view{});
}

const json::object* find_object(const json::object& object, std::string_view name) {
    const json::value* value = find_member(object, name);
    return value == nullptr ? nullptr : value->if_object();
}

const json::array* find_array(const json::object& object, std::string_view name) {
    const json::value* value = find_member(object, name);
    return value == nullptr ? nullptr : value->if_array();
}

bool boolean(const json::object& object, std::string_view name, bool fallback) {
    const json::value* value = find_member(object, name);
    if (value == nullptr) {
        return fallback;
    }
    if (const bool* truth = value->if_bool()) {
        return *truth;
    }
    if (const json::string* text = value->if_string()) {
        if (*text == "true") {
            return true;
        }
        if (*text == "false") {
            return false;
        }
    }
    return fallback;
}

std::optional<double> number(const json::object& object, std::string_view name, double fallback) {
    const json::value* value = find_member(object, name);
    if (value == nullptr) {
        return fallback;
    }
    if (const json::string* text = value->if_string()) {
        return parse_number({text->data(), text->size()});
    }
    boost::system::error_code error;
    const double converted = value->to_number<double>(error);
    // The parser makes an infinity of 1e999, and of 0e999 not even a number.
    return error || !std::isfinite(converted) ? std::nullopt : std::optional(converted);
}

std::optional<std::int64_t> integer(const json::object& object, std::string_view name, std::int64_t fallback) {
    const json::value* value = find_member(object, name);
    if (value == nullptr) {
        return fallback;
    }
    if (const std::int64_t* whole = value->if_int64()) {
        return *whole;
    }
    const std::optional<double> real = number(object, name, 0);
    if (!real || std::abs(*real) > 9.0e15) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(*real);
}

}  // namespace pharos::protocol
