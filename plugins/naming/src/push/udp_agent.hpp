#pragma once

#include <string_view>

#include "state/switches.hpp"

namespace pharos::naming {

/// Whether a client of this name is told by UDP, such as "Nacos-Java-Client:v1.4.6" (`protocol/naming.md §5`). The
/// pushVersionOf… switches name the oldest versions that are; a name that is not known or whose version cannot be read
/// is not.
[[nodiscard]] bool is_told_by_udp(std::string_view agent, const SwitchDomain& switches);

}  // namespace pharos::naming
