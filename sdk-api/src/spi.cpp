#include <pharos/spi/fingerprint.hpp>
#include <pharos/spi/http.hpp>
#include <pharos/spi/rpc.hpp>
#include <pharos/spi/services.hpp>
#include <pharos/spi/status.hpp>

extern "C" const char PHAROS_SPI_ABI_SYMBOL = 1;

namespace pharos::spi {

namespace {

bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string_view to_string(Code code) noexcept {
    switch (code) {
        case Code::kOk: return "ok";
        case Code::kInvalidArgument: return "invalid_argument";
        case Code::kNotFound: return "not_found";
        case Code::kConflict: return "conflict";
        case Code::kUnavailable: return "unavailable";
        case Code::kTimeout: return "timeout";
        case Code::kTooLarge: return "too_large";
        case Code::kClosed: return "closed";
        case Code::kDenied: return "denied";
        case Code::kInternal: return "internal";
    }
    return "unknown";
}

std::string_view to_string(HttpMethod method) noexcept {
    switch (method) {
        case HttpMethod::kGet: return "GET";
        case HttpMethod::kPost: return "POST";
        case HttpMethod::kPut: return "PUT";
        case HttpMethod::kDelete: return "DELETE";
        case HttpMethod::kPatch: return "PATCH";
        case HttpMethod::kHead: return "HEAD";
        case HttpMethod::kOptions: return "OPTIONS";
    }
    return "UNKNOWN";
}

std::string_view property(const Properties& properties, std::string_view name) noexcept {
    for (const auto& [key, value] : properties) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

std::string_view HttpRequest::header(std::string_view name) const noexcept {
    for (const HttpHeader& header : headers) {
        if (same_ignoring_case(header.name, name)) {
            return header.value;
        }
    }
    return {};
}

std::string_view RpcRequest::header(std::string_view name) const noexcept {
    for (const auto& [key, value] : headers) {
        if (same_ignoring_case(key, name)) {
            return value;
        }
    }
    return {};
}

}  // namespace pharos::spi
