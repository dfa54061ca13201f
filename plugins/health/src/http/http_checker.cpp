#include "http/http_checker.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace pharos::health {

namespace {

using Outcome = spi::ProbeResult::Outcome;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kUserAgent = "VIPServer";
/// A check that answers more than this is no health check, and is not read to its end.
constexpr std::size_t kMaxBody = 1 << 20;

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.back() == ' ') {
        text.remove_suffix(1);
    }
    return text;
}

bool same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [lower](char x, char y) { return lower(x) == lower(y); });
}

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < 0x7f && std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string_view::npos;
    });
}

bool is_value(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; });
}

bool is_path(std::string_view text) {
    return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

spi::Status refused(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

/// "name:value|name:value"; what has not one colon is dropped.
spi::Result<Headers> parse_headers(std::string_view list) {
    Headers headers;
    bool has_agent = false;
    while (!list.empty()) {
        const std::string_view entry = list.substr(0, list.find('|'));
        list.remove_prefix(std::min(entry.size() + 1, list.size()));
        if (std::count(entry.begin(), entry.end(), ':') != 1) {
            continue;
        }
        const std::string_view name = trim(entry.substr(0, entry.find(':')));
        const std::string_view value = trim(entry.substr(entry.find(':') + 1));
        if (name.empty()) {
            continue;
        }
        if (!is_name(name) || !is_value(value)) {
            return refused("headers: '" + std::string(entry) + "' is not an HTTP header");
        }
        for (const std::string_view own : {"Connection", "Content-Length", "Transfer-Encoding"}) {
            if (same_word(name, own)) {
                return refused("headers: '" + std::string(name) + "' is set by the server itself");
            }
        }
        has_agent |= same_word(name, "User-Agent");
        headers.emplace_back(name, value);
    }
    if (!has_agent) {
        headers.emplace_back("User-Agent", kUserAgent);
    }
    return headers;
}

/// `protocol/naming.md §4.2`: 200 passes; 503, 302, time-outs and other errors count; any other status and refused =
/// fail now.
spi::ProbeResult judge(spi::Result<spi::HttpAnswer>& answer) {
    if (!answer) {
        const spi::Status& error = answer.error();
        switch (error.code()) {
            case spi::Code::kUnavailable: return {Outcome::kFailedNow, error.message()};
            case spi::Code::kDenied: return {Outcome::kNotProbed, error.message()};
            default: return {Outcome::kFailed, error.message()};
        }
    }
    if (answer->status == 200) {
        return {};
    }
    const bool counts = answer->status == 503 || answer->status == 302;
    return {counts ? Outcome::kFailed : Outcome::kFailedNow, "status " + std::to_string(answer->status)};
}

class HttpProbe final : public spi::Probe {
public:
    HttpProbe(spi::Net& net, std::string path, Headers headers)
        : net_(net), path_(std::move(path)), headers_(std::move(headers)) {}

    void run(const spi::ProbeTarget& target, spi::UniqueFunction<void(spi::ProbeResult)> done) noexcept override {
        spi::HttpCall call;
        call.ip = target.ip;
        call.port = target.port;
        call.path = path_;
        call.headers = headers_;
        call.max_body = kMaxBody;
        call.timeout = target.timeout;
        net_.http_get(std::move(call),
                      [done = std::move(done)](spi::Result<spi::HttpAnswer> answer) mutable { done(judge(answer)); });
    }

private:
    spi::Net& net_;
    const std::string path_;
    const Headers headers_;
};

}  // namespace

spi::Result<std::shared_ptr<spi::Probe>> HttpChecker::configure(const spi::Properties& settings) noexcept {
    std::string path(spi::property(settings, "path"));
    if (!path.starts_with('/')) {
        path.insert(path.begin(), '/');
    }
    if (!is_path(path)) {
        return refused("path: '" + path + "' has bytes that a URL must escape");
    }
    spi::Result<Headers> headers = parse_headers(spi::property(settings, "headers"));
    if (!headers) {
        return headers.error();
    }
    return std::shared_ptr<spi::Probe>(std::make_shared<HttpProbe>(net_, std::move(path), std::move(headers.value())));
}

}  // namespace pharos::health
