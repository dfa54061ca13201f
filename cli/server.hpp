#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include <pharos/spi/status.hpp>

#include "cli/http_client.hpp"

namespace pharos::cli {

/// Where a server is.
struct Endpoint {
    std::string host;  ///< without brackets
    std::string port;
    std::string context;  ///< path before /v1, /v2 and /v3; "" for none

    [[nodiscard]] std::string text() const;  ///< "http://127.0.0.1:8848"
};

/// Reads HOST, HOST:PORT, [IPV6]:PORT or a URL; a URL's path is the context, /nacos by default.
[[nodiscard]] spi::Result<Endpoint> parse_endpoint(std::string_view text);

/// Who asks: nothing, a token, or a user with a password.
struct Login {
    std::string user;
    std::string password;
    std::string token;
};

/// Names and values in the order in which they are sent. An empty value is left out, as blank and absent mean the same.
using Params = std::vector<std::pair<std::string, std::string>>;

/// One call of the API, below the context path.
struct Call {
    std::string method;
    std::string path;
    Params params;
    Headers headers;
};

/// A server as the commands see it: calls of its API, with the login done before the first of them.
class Server {
public:
    Server(Endpoint endpoint, Login login);

    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    /// How long one call may take; 15 seconds when nobody says.
    void set_patience(std::chrono::milliseconds patience) noexcept { patience_ = patience; }
    [[nodiscard]] std::chrono::milliseconds patience() const noexcept { return patience_; }
    [[nodiscard]] bool has_login() const noexcept { return !login_.user.empty() || !login_.token.empty(); }

    /// Parameters go into the query of GET and DELETE, else into a form. Any status is a reply, but that of a refused
    /// access; an error names the server and what to do.
    spi::Result<HttpReply> send(const Call& call) { return send(call, patience_); }
    spi::Result<HttpReply> send(const Call& call, std::chrono::milliseconds patience);
    /// The answer of the first of these calls that the server has: servers differ in the generations they speak.
    struct Answer {
        HttpReply reply;
        std::size_t which;
    };
    spi::Result<Answer> send_first(const std::vector<Call>& calls);
    /// GET of a path outside the context path.
    spi::Result<HttpReply> get_root(const std::string& path);
    /// The data in the answer of the first of these calls that the server has.
    spi::Result<boost::json::value> ask(const std::vector<Call>& calls);

private:
    spi::Status log_in();
    spi::Result<HttpReply> exchange(HttpClient::Request request);

    Endpoint endpoint_;
    Login login_;
    HttpClient client_;
    std::string access_token_;
    std::chrono::milliseconds patience_{15000};
};

}  // namespace pharos::cli
