#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::cli {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpReply {
    int status = 0;
    Headers headers;
    std::string body;

    /// The first header of this name, whatever its case; "" when absent.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// One connection to one server, made at the first request and again when the server has closed it. Blocking, for one
/// thread. HTTP/1.1 in clear text.
class HttpClient {
public:
    struct Request {
        std::string method;
        std::string target;  ///< path and query, encoded
        Headers headers;
        std::string body;
        std::chrono::milliseconds patience;  ///< for the whole exchange, connecting included
    };

    /// `host` is a name or an IPv4 or IPv6 address (without brackets).
    HttpClient(std::string host, std::string port);
    ~HttpClient();
    HttpClient(HttpClient&& other) noexcept;
    HttpClient& operator=(HttpClient&&) = delete;

    /// The reply, whatever its status. Errors: kUnavailable (name unknown, refused, cut off), kTimeout, kTooLarge,
    /// kInternal (what came is not HTTP); the message says what happened, not to whom.
    [[nodiscard]] spi::Result<HttpReply> send(const Request& request);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::cli
