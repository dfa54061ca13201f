#pragma once

#include <string>

#include <pharos/spi/plugin.hpp>

#include "call.hpp"

namespace pharos::core {

/// Modules that can't serve now, since a capability of theirs has failed, in the words of the readiness calls: "config
/// and naming not in readiness". Empty: the node is ready. A degraded capability still serves.
[[nodiscard]] std::string readiness_failure(const spi::NodeHealth& health);

/// What the node says of itself, as a map of texts (`protocol/core.md §3.7`). Nothing in it is secret: it needs no
/// login.
[[nodiscard]] std::string state_json(const spi::NodeInfo& node, bool has_auth);

/// Server state, liveness and readiness in all generations.
class StateCalls {
public:
    StateCalls(const spi::NodeInfo& node, const spi::NodeHealth& health) : node_(node), health_(health) {}

    void add_to(CallRoutes& routes);
    /// Whether somebody checks who asks. Requests come only afterwards.
    void use(bool has_auth) { has_auth_ = has_auth; }

private:
    const spi::NodeInfo& node_;
    const spi::NodeHealth& health_;
    bool has_auth_ = false;
};

}  // namespace pharos::core
