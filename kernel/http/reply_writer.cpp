#include "http/reply_writer.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::http {

namespace {

bool is_safe(std::string_view text) noexcept {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
}

bool is_cache_control(std::string_view name) noexcept {
    constexpr std::string_view kName = "cache-control";
    return std::equal(name.begin(), name.end(), kName.begin(), kName.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b; });
}

void append_number(std::string& out, std::size_t number) {
    char text[24];
    const char* end = std::to_chars(text, text + sizeof text, number).ptr;
    out.append(text, static_cast<std::size_t>(end - text));
}

std::string timestamp() {
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    const std::time_t seconds = now / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char date[32];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    char text[64];
    std::snprintf(text, sizeof text, "%s.%03d+00:00", date, static_cast<int>(now % 1000));
    return text;
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 413: return "Content Too Large";
        case 415: return "Unsupported Media Type";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 505: return "HTTP Version Not Supported";
        default: return "Status";
    }
}

void append_reply(std::string& out, const spi::HttpReply& reply, ReplyForm form) {
    if (reply.status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
    } else {
        out += "HTTP/1.1 ";
        append_number(out, static_cast<std::size_t>(std::clamp(reply.status, 100, 999)));
        out += ' ';
        out += reason_phrase(reply.status);
        out += "\r\n";
    }
    if (!reply.content_type.empty() && is_safe(reply.content_type)) {
        out += "Content-Type: ";
        out += reply.content_type;
        out += "\r\n";
    }
    const bool bodiless = reply.status == 204 || reply.status == 304;
    if (!bodiless) {
        out += "Content-Length: ";
        append_number(out, spi::total_size(reply.body));
        out += "\r\n";
    }
    bool has_cache_control = false;
    for (const spi::HttpHeader& header : reply.headers) {
        has_cache_control = has_cache_control || is_cache_control(header.name);
        if (!header.name.empty() && is_safe(header.name) && is_safe(header.value)) {
            out += header.name;
            out += ": ";
            out += header.value;
            out += "\r\n";
        }
    }
    if (!form.keep_alive) {
        out += "Connection: close\r\n";
    } else if (form.http10) {
        out += "Connection: keep-alive\r\n";
    }
    // Nobody may keep what a registry or a config centre says, frame it, or guess at its type.
    if (!has_cache_control) {
        out += "Cache-Control: no-store\r\n";
    }
    out += "X-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n\r\n";
    if (!form.head && !bodiless) {
        for (const spi::Piece& piece : reply.body) {
            out += piece.text;
        }
    }
}

std::string error_body(int status, std::string_view message, std::string_view path) {
    std::string json;
    sdk::JsonWriter writer(json);
    writer.begin_object()
        .member("timestamp", timestamp())
        .member("status", status)
        .member("error", reason_phrase(status))
        .member("message", message)
        .member("path", path)
        .end_object();
    return json;
}

void append_error(std::string& out, int status, std::string_view message, std::string_view path, ReplyForm form,
                  std::string_view allow) {
    const std::string json = error_body(status, message, path);
    const spi::Piece body(json);
    const spi::HttpHeader header{"Allow", allow};
    spi::HttpReply reply{.status = status, .content_type = "application/json", .body = {&body, 1}};
    if (!allow.empty()) {
        reply.headers = {&header, 1};
    }
    append_reply(out, reply, form);
}

}  // namespace pharos::http
