#pragma once

#include <string>
#include <string_view>

namespace pharos::naming {

/// The oldest client of each kind that understands pushes by UDP: the pushVersionOf… switches
/// (`protocol/naming.md §7.4`).
struct UdpVersions {
    std::string java{"0.1.0"};
    std::string go{"0.1.0"};
    std::string c{"1.0.12"};
    std::string csharp{"0.9.0"};
    std::string python{"0.4.3"};  ///< measures Nacos-DNS; Python's own clients know no UDP
};

/// Whether a client of this name is told by UDP, such as "Nacos-Java-Client:v1.4.6" (`protocol/naming.md §5`). A name
/// that is not known or whose version cannot be read is not.
[[nodiscard]] bool is_told_by_udp(std::string_view agent, const UdpVersions& oldest);

}  // namespace pharos::naming
