#include "http/path.hpp"

namespace pharos::http {

namespace {

int hex(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The byte that text[at], a '%', begins; -1 when that is no escape.
int escaped(std::string_view text, std::size_t at) noexcept {
    if (at + 2 >= text.size()) {
        return -1;
    }
    const int high = hex(text[at + 1]);
    const int low = hex(text[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_canonical(std::string_view path) noexcept {
    char last = 0;
    for (const char c : path) {
        if (c == '%' || c == ';' || c == '\\' || is_control(c) || (last == '/' && (c == '/' || c == '.'))) {
            return false;
        }
        last = c;
    }
    return path.size() == 1 || last != '/';
}

/// Resolves the segment that begins after out[slash]. False: it leaves the root.
bool close_segment(std::string& out, std::size_t slash) {
    const std::string_view segment = std::string_view(out).substr(slash + 1);
    if (segment.empty() || segment == ".") {
        out.resize(slash);
    } else if (segment == "..") {
        if (slash == 0) {
            return false;
        }
        out.resize(out.rfind('/', slash - 1));
    }
    return true;
}

/// Appends the decoded form; invalid escapes stay as they are.
std::string_view decode_value(std::string_view text, std::string& storage) {
    if (text.find_first_of("%+") == std::string_view::npos) {
        return text;
    }
    storage.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        int byte = -1;
        if (text[i] == '%' && (byte = escaped(text, i)) >= 0) {
            storage += static_cast<char>(byte);
            i += 2;
        } else {
            storage += text[i] == '+' ? ' ' : text[i];
        }
    }
    return storage;
}

}  // namespace

Target split_target(std::string_view target) noexcept {
    target = target.substr(0, target.find('#'));
    if (!target.empty() && target.front() != '/') {
        const std::size_t scheme = target.find("://");
        if (scheme != std::string_view::npos && scheme < target.find_first_of("/?")) {
            target.remove_prefix(scheme + 3);
            const std::size_t path = target.find_first_of("/?");
            target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
        }
    }
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) {
        return {target, {}};
    }
    return {mark == 0 ? std::string_view("/") : target.substr(0, mark), target.substr(mark + 1)};
}

std::optional<std::string_view> canonical_path(std::string_view raw_path, std::string& storage) {
    if (raw_path.empty() || raw_path.front() != '/') {
        return std::nullopt;
    }
    if (is_canonical(raw_path)) {
        return raw_path;
    }
    std::string& out = storage;
    out.assign(1, '/');
    std::size_t slash = 0;
    for (std::size_t i = 1; i < raw_path.size(); ++i) {
        char c = raw_path[i];
        if (c == ';') {
            const std::size_t end = raw_path.find('/', i);
            i = (end == std::string_view::npos ? raw_path.size() : end) - 1;
            continue;
        }
        if (c == '/') {
            if (!close_segment(out, slash)) {
                return std::nullopt;
            }
            slash = out.size();
            out += '/';
            continue;
        }
        if (c == '%') {
            const int byte = escaped(raw_path, i);
            if (byte < 0 || byte == '/') {
                return std::nullopt;
            }
            c = static_cast<char>(byte);
            i += 2;
        }
        if (c == '\\' || is_control(c)) {
            return std::nullopt;
        }
        out += c;
    }
    if (!close_segment(out, slash)) {
        return std::nullopt;
    }
    if (out.empty()) {
        out = '/';
    }
    return out;
}

bool is_form(std::string_view content_type) noexcept {
    constexpr std::string_view kForm = "application/x-www-form-urlencoded";
    if (content_type.size() < kForm.size()) {
        return false;
    }
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        const char c = content_type[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != kForm[i]) {
            return false;
        }
    }
    return true;
}

std::string_view find_parameter(std::string_view form, std::string_view name, std::string& storage) {
    while (!form.empty()) {
        const std::string_view pair = form.substr(0, form.find('&'));
        form.remove_prefix(pair.size() == form.size() ? form.size() : pair.size() + 1);
        const std::size_t equals = pair.find('=');
        if (decode_value(pair.substr(0, equals), storage) == name) {
            return equals == std::string_view::npos ? std::string_view{}
                                                    : decode_value(pair.substr(equals + 1), storage);
        }
    }
    return {};
}

}  // namespace pharos::http
