#include "cli/http_client.hpp"

#include <algorithm>
#include <optional>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace pharos::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

/// No reply of these APIs is near it; what is larger is no server of ours.
constexpr std::size_t kMaxBody = std::size_t{256} << 20;
constexpr std::uint32_t kMaxHeader = 64 << 10;

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        return lower(x) == lower(y);
    });
}

spi::Status explained(const error_code& error) {
    if (error == beast::error::timeout || error == asio::error::timed_out) {
        return {spi::Code::kTimeout, "no answer in time"};
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message || error == asio::error::eof ||
        error == asio::error::connection_reset || error == asio::error::broken_pipe) {
        return {spi::Code::kUnavailable, "the connection was closed without a whole answer"};
    }
    if (error == http::error::body_limit) {
        return {spi::Code::kTooLarge, "the answer is larger than 256 MiB"};
    }
    if (error.category() == http::make_error_code(http::error::bad_version).category()) {
        return {spi::Code::kInternal, "what answers does not speak HTTP (" + error.message() + ")"};
    }
    if (error == asio::error::connection_refused) {
        return {spi::Code::kUnavailable, "connection refused"};
    }
    if (error == asio::error::host_not_found || error == asio::error::host_not_found_try_again ||
        error == asio::error::no_data) {
        return {spi::Code::kUnavailable, "no such host"};
    }
    return {spi::Code::kUnavailable, error.message()};
}

}  // namespace

std::string_view HttpReply::header(std::string_view name) const noexcept {
    for (const auto& [key, value] : headers) {
        if (same_name(key, name)) {
            return value;
        }
    }
    return {};
}

struct HttpClient::Impl {
    std::string host;
    std::string port;
    asio::io_context io{1};
    std::optional<beast::tcp_stream> stream;
    beast::flat_buffer buffer;

    /// Runs one asynchronous operation to its end; the stream's own timer bounds it.
    template <class Start>
    error_code run(Start&& start) {
        error_code outcome;
        start([&outcome](const error_code& error, const auto&...) { outcome = error; });
        io.restart();
        io.run();
        return outcome;
    }

    void close() {
        stream.reset();
        buffer.clear();
    }

    error_code connect(std::chrono::steady_clock::time_point deadline) {
        tcp::resolver resolver(io);
        error_code error;
        const tcp::resolver::results_type found = resolver.resolve(host, port, error);
        if (error) {
            return error;
        }
        stream.emplace(io);
        stream->expires_at(deadline);
        error = run([&](auto done) { stream->async_connect(found, done); });
        if (!error) {
            stream->socket().set_option(tcp::no_delay(true), error);
        }
        return error;
    }

    error_code exchange(const http::request<http::string_body>& request, http::response<http::string_body>& response,
                        std::chrono::steady_clock::time_point deadline) {
        stream->expires_at(deadline);
        const error_code sent = run([&](auto done) { http::async_write(*stream, request, done); });
        if (sent == beast::error::timeout) {
            return sent;
        }
        // Also when not all could be sent: a server that refuses a body answers before it has read it, and closes.
        http::response_parser<http::string_body> parser;
        parser.body_limit(kMaxBody);
        parser.header_limit(kMaxHeader);
        const error_code error = run([&](auto done) { http::async_read(*stream, buffer, parser, done); });
        if (!error) {
            response = parser.release();
        }
        return error && sent ? sent : error;
    }
};

HttpClient::HttpClient(std::string host, std::string port) : impl_(std::make_unique<Impl>()) {
    impl_->host = std::move(host);
    impl_->port = std::move(port);
}

HttpClient::HttpClient(HttpClient&& other) noexcept = default;
HttpClient::~HttpClient() = default;

spi::Result<HttpReply> HttpClient::send(const Request& request) {
    const auto deadline = std::chrono::steady_clock::now() + request.patience;
    http::request<http::string_body> out;
    out.version(11);
    out.method_string(request.method);
    out.target(request.target);
    const bool is_ipv6 = impl_->host.find(':') != std::string::npos;
    out.set(http::field::host, (is_ipv6 ? "[" + impl_->host + "]" : impl_->host) + ":" + impl_->port);
    out.set(http::field::accept, "application/json, text/plain, */*");
    for (const auto& [name, value] : request.headers) {
        out.set(name, value);
    }
    out.body() = request.body;
    out.prepare_payload();

    http::response<http::string_body> in;
    error_code error;
    // A kept connection may have been closed by the server since, which its next use tells: then once more on a new
    // one. Not a POST: it may have been carried out.
    const bool repeatable = request.method != "POST";
    for (bool reused = impl_->stream.has_value();; reused = false) {
        error = reused ? error_code() : impl_->connect(deadline);
        error = error ? error : impl_->exchange(out, in, deadline);
        if (!error) {
            break;
        }
        impl_->close();
        if (!reused || !repeatable || error == beast::error::timeout) {
            return explained(error);
        }
    }
    if (in.need_eof() || !in.keep_alive()) {
        impl_->close();
    }
    HttpReply reply;
    reply.status = in.result_int();
    for (const auto& field : in.base()) {
        reply.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    reply.body = std::move(in.body());
    return reply;
}

}  // namespace pharos::cli
