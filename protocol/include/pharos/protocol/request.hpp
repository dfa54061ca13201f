#pragma once

#include <string_view>

#include <pharos/spi/http.hpp>

namespace pharos::protocol {

// What an HTTP request says of who sent it (`protocol/core.md §3.1`). Views are valid as long as the request's are.

/// First of X-Forwarded-For, else X-Real-IP, else the socket's address. Claimed by the client, so not for access.
[[nodiscard]] std::string_view client_ip(const spi::HttpRequest& request) noexcept;
/// Header `app`, else Client-AppName, else "unknown".
[[nodiscard]] std::string_view client_app(const spi::HttpRequest& request) noexcept;
/// User-Agent, else Client-Version; "" when there is neither.
[[nodiscard]] std::string_view client_agent(const spi::HttpRequest& request) noexcept;

}  // namespace pharos::protocol
