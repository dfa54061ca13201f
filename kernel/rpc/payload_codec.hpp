#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace pharos::rpc {

/// The wire message of every call and push (`protocol/core.md §1.1`):
///
///     Payload  { Metadata metadata = 2; google.protobuf.Any body = 3 }
///     Metadata { string type = 3; string clientIp = 8; map<string, string> headers = 7 }
///
/// Decoded into views of the frame.
struct Payload {
    using Header = std::pair<std::string_view, std::string_view>;
    static constexpr std::size_t kMaxHeaders = 64;

    std::string_view type;
    std::string_view client_ip;
    std::string_view body;  ///< JSON text; the Any's type_url is ignored

    [[nodiscard]] std::span<const Header> headers() const noexcept { return {header_list.data(), header_count}; }

    std::array<Header, kMaxHeaders> header_list;
    std::size_t header_count = 0;
};

/// Reads a frame by the rules of protobuf: fields in any order, unknown ones skipped, of a repeated one the last wins.
/// False: truncated, overlong, malformed, or more than kMaxHeaders different headers.
[[nodiscard]] bool decode(std::string_view frame, Payload& payload) noexcept;

/// The bytes of a frame up to its body, followed by `body_start`; the caller adds the other `rest` bytes of the body.
[[nodiscard]] std::string encode_head(std::string_view type, std::string_view client_ip, std::string_view body_start,
                                      std::size_t rest);

}  // namespace pharos::rpc
