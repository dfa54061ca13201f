#include <pharos/protocol/multipart.hpp>

#include <optional>
#include <string>

#include <pharos/protocol/params.hpp>

namespace pharos::protocol {

namespace {

/// Takes what is before the next `separator` off the front; all when there is none.
std::string_view take_until(std::string_view& text, std::string_view separator) {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + separator.size());
    return taken;
}

/// The parameter of a header value such as `form-data; name="a"`, without its quotes.
std::optional<std::string_view> parameter(std::string_view header, std::string_view name) {
    take_until(header, ";");
    while (!header.empty()) {
        std::string_view pair = trimmed(header);
        const std::string_view key = trimmed(take_until(pair, "="));
        std::string_view value = trimmed(pair);
        if (value.starts_with('"')) {
            value.remove_prefix(1);
            header = value;
            value = take_until(header, "\"");
            take_until(header, ";");
        } else {
            header = pair;
            value = trimmed(take_until(header, ";"));
        }
        if (equals_ignoring_case(key, name)) {
            return value;
        }
    }
    return std::nullopt;
}

/// Reads a part's headers; false when none of them names it.
bool read_headers(std::string_view headers, MultipartPart& part) {
    while (!headers.empty()) {
        std::string_view line = take_until(headers, "\r\n");
        if (!equals_ignoring_case(trimmed(take_until(line, ":")), "Content-Disposition")) {
            continue;
        }
        const std::optional<std::string_view> name = parameter(line, "name");
        const std::optional<std::string_view> file = parameter(line, "filename");
        part.name = name.value_or(std::string_view{});
        part.file_name = file.value_or(std::string_view{});
        part.is_file = file.has_value();
        return name.has_value();
    }
    return false;
}

}  // namespace

std::vector<MultipartPart> parse_multipart(std::string_view content_type, std::string_view body, std::size_t most) {
    std::vector<MultipartPart> parts;
    std::string_view rest = content_type;
    if (!equals_ignoring_case(trimmed(take_until(rest, ";")), "multipart/form-data")) {
        return parts;
    }
    const std::optional<std::string_view> boundary = parameter(content_type, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > 70) {
        return parts;
    }
    const std::string delimiter = "--" + std::string(*boundary);
    const std::string between = "\r\n" + delimiter;
    if (!body.starts_with(delimiter)) {  // what is before the first part means nothing
        take_until(body, between);
    } else {
        body.remove_prefix(delimiter.size());
    }
    while (parts.size() < most && body.starts_with("\r\n")) {
        body.remove_prefix(2);
        const std::size_t end = body.find(between);
        const std::size_t headers_end = body.find("\r\n\r\n");
        if (end == std::string_view::npos || headers_end == std::string_view::npos || headers_end > end) {
            break;
        }
        MultipartPart part;
        if (!read_headers(body.substr(0, headers_end), part)) {
            break;
        }
        // An empty part's end is the line end of its headers.
        const std::size_t begin = headers_end + 4;
        part.content = begin < end ? body.substr(begin, end - begin) : std::string_view{};
        parts.push_back(part);
        body.remove_prefix(end + between.size());
    }
    return parts;
}

}  // namespace pharos::protocol
