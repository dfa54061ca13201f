#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <pharos/spi/rpc.hpp>

namespace pharos::rpc {

/// Reads the body of a ConnectionSetupRequest into the members that it decides (`protocol/core.md §1.4`): version,
/// namespace, labels, app name, abilities. False: not such a body, or over the limits of size and number.
[[nodiscard]] bool parse_setup(std::string_view body, spi::ConnectionInfo& info) noexcept;

/// A client's answer to a push.
struct Ack {
    std::uint64_t request = 0;  ///< 0: none that we gave out
    bool success = false;
};

/// Reads the body of any response. What counts is resultCode 200; without one, that `success` is not false.
[[nodiscard]] std::optional<Ack> parse_ack(std::string_view body) noexcept;

}  // namespace pharos::rpc
