#include "cli/reply_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>

namespace pharos::cli {

namespace {

namespace json = boost::json;

constexpr std::size_t kLongest = 300;

/// Codes with which envelopes say "it is not there" (`protocol/core.md §3.3`).
constexpr std::array<std::int64_t, 5> kMissing{20004, 21003, 21008, 22001, 404};
constexpr std::int64_t kConflict = 20005;

std::optional<json::object> object_in(std::string_view text) {
    boost::system::error_code error;
    json::value value = json::parse(json::string_view(text.data(), text.size()), error);
    if (error || !value.is_object()) {
        return {};
    }
    return std::move(value.get_object());
}

std::string text_in(const json::object& object, std::string_view name) {
    const json::value* found = object.if_contains(json::string_view(name.data(), name.size()));
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// The envelope's own code; nothing when the object is no envelope.
std::optional<std::int64_t> code_of(const json::object& object) {
    const json::value* code = object.if_contains("code");
    if (code == nullptr || !code->is_int64() || !object.contains("message")) {
        return {};
    }
    return code->get_int64();
}

bool is_success(std::int64_t code) { return code == 0 || code == 200; }

/// The container's own error reply: {"timestamp","status","error","message","path"}.
bool is_container_error(const json::object& object) { return object.contains("status") && object.contains("error"); }

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
}

/// "caused: errCode: 400, errMsg: x ;" is x.
std::string undecorated(std::string_view raw) {
    std::string text = one_line(raw, kLongest);
    replace_all(text, "&#39;", "'");
    replace_all(text, "&quot;", "\"");
    replace_all(text, "&lt;", "<");
    replace_all(text, "&gt;", ">");
    replace_all(text, "&amp;", "&");
    constexpr std::string_view kCaused = "caused: ";
    if (text.starts_with(kCaused)) {
        text.erase(0, kCaused.size());
        while (text.ends_with(';') || text.ends_with(' ') || text.ends_with(':')) {
            text.pop_back();
        }
    }
    constexpr std::string_view kMessage = "errMsg:";
    if (text.starts_with("errCode:")) {
        if (const std::size_t at = text.find(kMessage); at != std::string::npos) {
            text.erase(0, at + kMessage.size());
        }
    }
    return std::string(protocol::trimmed(text));
}

std::string http_line(int status) {
    return "HTTP " + std::to_string(status) + " " + std::string(protocol::reason_of(status));
}

std::string refusal_in(const json::object& object, int status) {
    if (const std::optional<std::int64_t> code = code_of(object)) {
        std::string text = undecorated(text_in(object, "data"));
        if (text.empty()) {
            text = undecorated(text_in(object, "message"));
        }
        return text.empty() ? "code " + std::to_string(*code) : text;
    }
    if (is_container_error(object)) {
        const std::string message = text_in(object, "message");
        // The gate of old APIs puts a second envelope into the text of the first.
        if (const std::optional<json::object> inner = object_in(message)) {
            return refusal_in(*inner, status);
        }
        const std::string text = undecorated(message);
        return text.empty() ? undecorated(text_in(object, "error")) : text;
    }
    const std::string message = undecorated(text_in(object, "message"));
    return message.empty() ? http_line(status) : message;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t limit) {
    std::string line;
    for (const char c : text) {
        const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        if (control && (line.empty() || line.back() == ' ')) {
            continue;
        }
        line += control ? ' ' : c;
    }
    while (line.ends_with(' ')) {
        line.pop_back();
    }
    if (line.size() > limit) {
        std::size_t end = limit;
        while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) {
            --end;
        }
        line.resize(end);
        line += "…";
    }
    return line;
}

std::string refusal_of(const HttpReply& reply) {
    if (const std::optional<json::object> object = object_in(reply.body)) {
        return refusal_in(*object, reply.status);
    }
    const std::string_view body = protocol::trimmed(reply.body);
    if (body.starts_with('<')) {
        return http_line(reply.status) + " with a page of HTML";
    }
    const std::string text = undecorated(body);
    if (text.empty() || text == "false") {
        return http_line(reply.status) + ", without a reason";
    }
    return text;
}

bool is_missing_call(const HttpReply& reply) {
    const std::optional<json::object> object = object_in(reply.body);
    switch (reply.status) {
        case 405:
        case 410:
        case 501: return true;
        // A Result says that the thing is missing, not the call; and some replies of v1 are text.
        case 404: return object ? !code_of(*object) : reply.body.empty() || reply.body.starts_with('<');
        default: return false;
    }
}

bool is_missing_thing(const HttpReply& reply) {
    if (const std::optional<json::object> object = object_in(reply.body)) {
        const std::optional<std::int64_t> code = code_of(*object);
        if (code && std::find(kMissing.begin(), kMissing.end(), *code) != kMissing.end()) {
            return true;
        }
        return reply.status == 404 && code.has_value();
    }
    return reply.status == 404 && !is_missing_call(reply);
}

bool is_access_refused(const HttpReply& reply) {
    const std::optional<json::object> object = object_in(reply.body);
    return reply.status == 401 || (reply.status == 403 && !(object && code_of(*object)));
}

spi::Status refused(const HttpReply& reply) {
    spi::Code code = spi::Code::kDenied;
    const std::optional<json::object> object = object_in(reply.body);
    if (is_missing_thing(reply)) {
        code = spi::Code::kNotFound;
    } else if (reply.status == 409 || (object && code_of(*object) == kConflict)) {
        code = spi::Code::kConflict;
    }
    return {code, refusal_of(reply)};
}

spi::Result<json::value> data_of(const HttpReply& reply) {
    if (reply.status != 200) {
        return refused(reply);
    }
    boost::system::error_code error;
    json::value value = json::parse(reply.body, error);
    if (error) {
        return spi::Status(spi::Code::kInternal, "the answer is not JSON: '" +
                                                     one_line(std::string_view(reply.body).substr(0, 80), 60) +
                                                     "'; is this the HTTP port of a Nacos-compatible server?");
    }
    if (!value.is_object()) {
        return value;
    }
    json::object& object = value.get_object();
    const std::optional<std::int64_t> code = code_of(object);
    if (!code) {
        return value;
    }
    if (!is_success(*code)) {
        return refused(reply);
    }
    json::value* data = object.if_contains("data");
    return data == nullptr ? json::value() : std::move(*data);
}

}  // namespace pharos::cli
