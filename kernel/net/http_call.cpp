#include "net/http_call.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace pharos::net {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::uint32_t kMaxHeader = 16 << 10;
/// What may wait for the parser: a header, or the line before a chunk, and what one read brings.
constexpr std::size_t kMaxUnparsed = kMaxHeader + (64 << 10);
/// Answers with 1xx that may come before the one that counts.
constexpr int kMaxInterim = 8;

bool is_token(std::string_view text) {
    constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
    for (const char c : text) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              kSigns.find(c) != std::string_view::npos)) {
            return false;
        }
    }
    return !text.empty();
}

bool is_field_value(std::string_view text) {
    for (const char c : text) {
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

bool is_path(std::string_view text) {
    for (const char c : text) {
        if (c <= 0x20 || c >= 0x7f) {
            return false;
        }
    }
    return text.starts_with('/');
}

/// The request; an error names what is wrong with the call.
spi::Result<std::string> request_of(const spi::HttpCall& call) {
    const auto refused = [](std::string what) { return spi::Status(spi::Code::kInvalidArgument, std::move(what)); };
    if (!is_path(call.path)) {
        return refused("the path '" + call.path + "' does not begin with a slash or has bytes that a path must escape");
    }
    std::string text = "GET " + call.path + " HTTP/1.1\r\n";
    bool has_host = false;
    for (const auto& [name, value] : call.headers) {
        if (!is_token(name)) {
            return refused("'" + name + "' is not the name of an HTTP header");
        }
        if (!is_field_value(value)) {
            return refused("the value of the HTTP header '" + name + "' has control characters");
        }
        for (const char* own : {"Connection", "Content-Length", "Transfer-Encoding"}) {
            if (beast::iequals(name, own)) {
                return refused("the HTTP header '" + name + "' is not for the caller to set");
            }
        }
        has_host |= beast::iequals(name, "Host");
        text += name + ": " + value + "\r\n";
    }
    if (!has_host) {
        const bool v6 = call.ip.find(':') != std::string::npos;
        text += "Host: " + (v6 ? "[" + call.ip + "]" : call.ip) + ":" + std::to_string(call.port) + "\r\n";
    }
    return text + "Connection: close\r\n\r\n";
}

/// Parses one answer as it arrives. Lives on the conversation's loop.
class AnswerReader {
public:
    explicit AnswerReader(std::size_t max_body) : max_body_(max_body) { begin(); }

    Heard read(std::string& received, bool ended, spi::Status& error) {
        while (!received.empty()) {
            error_code failure;
            const std::size_t used = parser_->put(boost::asio::buffer(received), failure);
            received.erase(0, used);
            if (failure == http::error::need_more) {
                break;
            }
            if (failure) {
                error = status_of(failure);
                return Heard::kBad;
            }
            if (parser_->is_done()) {
                if (!is_interim()) {
                    return Heard::kEnough;
                }
                if (++interim_ > kMaxInterim) {
                    error = {spi::Code::kInvalidArgument, " answers with 1xx only"};
                    return Heard::kBad;
                }
                begin();
            } else if (used == 0) {
                break;
            }
        }
        if (ended && parser_->got_some()) {
            error_code failure;
            parser_->put_eof(failure);  // the end of a body without a length
            return !failure && parser_->is_done() ? Heard::kEnough : Heard::kMore;
        }
        return Heard::kMore;
    }

    spi::HttpAnswer take() { return {static_cast<int>(parser_->get().result_int()), std::move(parser_->get().body())}; }

private:
    void begin() {
        parser_.emplace();
        parser_->eager(true);
        parser_->header_limit(kMaxHeader);
        parser_->body_limit(max_body_);
    }

    [[nodiscard]] bool is_interim() {
        const unsigned status = parser_->get().result_int();
        return status >= 100 && status < 200 && status != 101;
    }

    [[nodiscard]] spi::Status status_of(const error_code& failure) const {
        if (failure == http::error::body_limit) {
            return {spi::Code::kTooLarge, " answered with a body of more than " + std::to_string(max_body_) + " bytes"};
        }
        if (failure == http::error::header_limit) {
            return {spi::Code::kTooLarge,
                    " answered with a header of more than " + std::to_string(kMaxHeader) + " bytes"};
        }
        return {spi::Code::kInvalidArgument, " does not speak HTTP: " + failure.message()};
    }

    const std::size_t max_body_;
    std::optional<http::response_parser<http::string_body>> parser_;
    int interim_ = 0;
};

}  // namespace

void http_get(TcpExchanges& exchanges, spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept {
    TcpTalk talk;
    talk.ip = call.ip;
    talk.port = call.port;
    talk.timeout = call.timeout;
    talk.max_received = kMaxUnparsed;
    spi::Result<std::string> request = request_of(call);
    if (!request) {
        talk.refused = request.error();
    } else {
        talk.send = std::move(request.value());
    }
    auto reader = std::make_shared<AnswerReader>(call.max_body);
    talk.listen = [reader](std::string& received, bool ended, spi::Status& error) {
        return reader->read(received, ended, error);
    };
    exchanges.begin(std::move(talk), [reader, done = std::move(done)](spi::Result<std::string> result) mutable {
        if (result) {
            done(reader->take());
        } else {
            done(result.error());
        }
    });
}

}  // namespace pharos::net
