#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::app {

/// 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(std::string_view address);
/// A numeric IPv4 or IPv6 address.
[[nodiscard]] bool is_numeric(const std::string& address);
/// Whether this machine can bind the address now, on any port.
[[nodiscard]] bool can_bind(const std::string& address);
/// The first address of this machine that is not loopback, IPv4 before IPv6; "127.0.0.1" when there is none.
[[nodiscard]] std::string own_address();
/// Refuses addresses beyond this machine unless `open`; the error says how to allow it.
[[nodiscard]] spi::Status check_exposure(const std::vector<std::string>& addresses, bool has_auth, bool open);

}  // namespace pharos::app
