#pragma once

#include <string_view>

#include "api_http/call.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// The state that operators give the server, else UP.
[[nodiscard]] std::string_view server_status(const SwitchDomain& switches) noexcept;

/// What comes before every call of v1 (`protocol/naming.md §0.1`): URLs that operators have cut off, and a server that
/// is not UP. Other generations pass.
class StatusGate {
public:
    explicit StatusGate(const Switches& switches) : switches_(switches) {}

    /// False: the call has been answered.
    [[nodiscard]] bool admits(Call& call) const;

private:
    const Switches& switches_;
};

}  // namespace pharos::naming
