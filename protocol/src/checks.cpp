#include <pharos/protocol/checks.hpp>

#include <charconv>

#include <pharos/protocol/params.hpp>

namespace pharos::protocol {

namespace {

constexpr std::size_t kMaxNamespace = 64;
constexpr std::size_t kMaxNamespaceName = 256;
constexpr std::size_t kMaxServiceName = 512;
constexpr std::size_t kMaxGroup = 128;
constexpr std::size_t kMaxDataId = 256;
constexpr std::size_t kMaxCluster = 64;
constexpr std::size_t kMaxIp = 128;
constexpr std::size_t kMaxMetadata = 1024;

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string too_long(std::string_view name, std::size_t limit) {
    return "Param '" + std::string(name) + "' is illegal, the param length should not exceed " + std::to_string(limit) +
           ".";
}

std::string bad_characters(std::string_view name) {
    return "Param '" + std::string(name) + "' is illegal, illegal characters should not appear in the param.";
}

/// Bytes of the code point that starts at `at`; 1 for a stray byte.
std::size_t sequence_length(std::string_view text, std::size_t at) noexcept {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t wanted = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 1;
    return at + wanted <= text.size() ? wanted : 1;
}

/// ASCII white space, or a Chinese character of the block U+4E00 to U+9FA5.
bool is_blank_or_cjk(std::string_view text, std::size_t at, std::size_t length) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[at + i])); };
    if (length == 1) {
        return byte(0) == ' ' || (byte(0) >= '\t' && byte(0) <= '\r');
    }
    if (length != 3) {
        return false;
    }
    const unsigned code_point = (byte(0) & 15u) << 12 | (byte(1) & 63u) << 6 | (byte(2) & 63u);
    return code_point >= 0x4E00 && code_point <= 0x9FA5;
}

bool has_blank_or_cjk(std::string_view text, std::size_t from) noexcept {
    for (std::size_t at = from; at < text.size();) {
        const std::size_t length = sequence_length(text, at);
        if (is_blank_or_cjk(text, at, length)) {
            return true;
        }
        at += length;
    }
    return false;
}

/// `extra` lists the allowed characters besides letters and digits.
CheckFailure check_simple(std::string_view name, std::string_view value, std::size_t limit, std::string_view extra) {
    if (trimmed(value).empty()) {
        return std::nullopt;
    }
    if (count_utf16_units(value) > limit) {
        return too_long(name, limit);
    }
    for (const char c : value) {
        if (!is_alphanumeric(c) && extra.find(c) == std::string_view::npos) {
            return bad_characters(name);
        }
    }
    return std::nullopt;
}

}  // namespace

std::size_t count_characters(std::string_view utf8) noexcept {
    std::size_t count = 0;
    for (const char c : utf8) {
        count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1u : 0u;
    }
    return count;
}

std::size_t count_utf16_units(std::string_view utf8) noexcept {
    std::size_t count = 0;
    for (const char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        count += (byte & 0xC0) == 0x80 ? 0u : byte >= 0xF0 ? 2u : 1u;
    }
    return count;
}

CheckFailure check_namespace(std::string_view value) {
    return check_simple("namespaceId/tenant", value, kMaxNamespace, "_-");
}

CheckFailure check_namespace_name(std::string_view value) {
    if (trimmed(value).empty()) {
        return std::nullopt;
    }
    if (count_utf16_units(value) > kMaxNamespaceName) {
        return too_long("namespaceShowName", kMaxNamespaceName);
    }
    return value.find_first_of("@#$%^&*") == std::string_view::npos ? std::nullopt
                                                                    : CheckFailure(bad_characters("namespaceShowName"));
}

CheckFailure check_group(std::string_view value) { return check_simple("group", value, kMaxGroup, "-_:."); }

CheckFailure check_data_id(std::string_view value) { return check_simple("dataId", value, kMaxDataId, "-_:."); }

CheckFailure check_cluster(std::string_view value) { return check_simple("cluster", value, kMaxCluster, "-_"); }

CheckFailure check_clusters(std::string_view value) {
    while (!value.empty()) {
        const std::size_t end = value.find(',');
        if (CheckFailure failure = check_cluster(value.substr(0, end))) {
            return failure;
        }
        value = end == std::string_view::npos ? std::string_view{} : value.substr(end + 1);
    }
    return std::nullopt;
}

CheckFailure check_service_name(std::string_view value) {
    if (trimmed(value).empty()) {
        return std::nullopt;
    }
    if (count_utf16_units(value) > kMaxServiceName) {
        return too_long("serviceName", kMaxServiceName);
    }
    // The first character may be anything but "@" and a line end; after it no "@@", no CJK, no white space.
    const std::size_t first = sequence_length(value, 0);
    if (value[0] == '@' || value[0] == '\n' || value[0] == '\r' || value.find("@@", first) != std::string_view::npos ||
        has_blank_or_cjk(value, first)) {
        return bad_characters("serviceName");
    }
    return std::nullopt;
}

CheckFailure check_ip(std::string_view value) {
    if (trimmed(value).empty()) {
        return std::nullopt;
    }
    if (count_utf16_units(value) > kMaxIp) {
        return too_long("ip", kMaxIp);
    }
    return has_blank_or_cjk(value, 0) ? CheckFailure(bad_characters("ip")) : std::nullopt;
}

CheckFailure check_port(std::int64_t value) {
    if (value < 0 || value > 65535) {
        return "Param 'port' is illegal, the value should be between 0 and 65535.";
    }
    return std::nullopt;
}

CheckFailure check_port(std::string_view value) {
    const std::string_view text = trimmed(value);
    if (text.empty()) {
        return std::nullopt;
    }
    std::int64_t port = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return check_port(error == std::errc{} && end == text.data() + text.size() ? port : -1);
}

CheckFailure check_metadata_size(std::size_t characters) {
    return characters > kMaxMetadata ? CheckFailure(too_long("Metadata", kMaxMetadata)) : std::nullopt;
}

}  // namespace pharos::protocol
