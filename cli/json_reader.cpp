#include "cli/json_reader.hpp"

#include <cstdlib>

#include <boost/json/serialize.hpp>

#include "cli/reply_text.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace json = boost::json;

const json::value& member_of(const json::value& object, std::string_view name) {
    static const json::value null;
    const json::object* inside = object.if_object();
    const json::value* found = inside == nullptr ? nullptr : inside->if_contains({name.data(), name.size()});
    return found == nullptr ? null : *found;
}

std::string text_of(const json::value& object, std::string_view name) {
    const json::value& value = member_of(object, name);
    if (value.is_string()) {
        return std::string(value.get_string());
    }
    return value.is_null() ? std::string() : json::serialize(value);
}

double fraction_of(const json::value& object, std::string_view name) {
    const json::value& value = member_of(object, name);
    switch (value.kind()) {
        case json::kind::int64: return static_cast<double>(value.get_int64());
        case json::kind::uint64: return static_cast<double>(value.get_uint64());
        case json::kind::double_: return value.get_double();
        case json::kind::string: return std::strtod(value.get_string().c_str(), nullptr);
        default: return 0;
    }
}

std::int64_t number_of(const json::value& object, std::string_view name) {
    const json::value& value = member_of(object, name);
    return value.is_int64() ? value.get_int64() : static_cast<std::int64_t>(fraction_of(object, name));
}

bool truth_of(const json::value& object, std::string_view name) {
    const json::value& value = member_of(object, name);
    return value.is_bool() ? value.get_bool() : value.is_string() && value.get_string() == "true";
}

std::int64_t time_of(const json::value& object, std::string_view name) {
    const json::value& value = member_of(object, name);
    if (value.is_string()) {
        const std::string text(value.get_string());
        const std::int64_t time = parse_time(text);
        return time != 0 ? time : std::strtoll(text.c_str(), nullptr, 10);
    }
    return number_of(object, name);
}

std::map<std::string, std::string> pairs_of(const json::value& object, std::string_view name) {
    std::map<std::string, std::string> pairs;
    const json::value& value = member_of(object, name);
    if (const json::object* inside = value.if_object()) {
        for (const auto& [key, unused] : *inside) {
            pairs.emplace(key, text_of(value, std::string_view(key)));
        }
    }
    return pairs;
}

spi::Status unexpected(std::string_view what, const json::value& found) {
    return {spi::Code::kInternal,
            "the answer is not " + std::string(what) + ": " + one_line(json::serialize(found), 80)};
}

}  // namespace pharos::cli
