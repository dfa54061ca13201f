#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <pharos/spi/plugin.hpp>

#include "call.hpp"

namespace pharos::core {

/// The calls about the members, in all generations (`protocol/core.md §3.9`).
class ClusterCalls {
public:
    /// All must outlive this object.
    ClusterCalls(const spi::NodeInfo& node, const spi::Members& members, const spi::Clock& clock)
        : node_(node), members_(members), clock_(clock) {}

    void add_to(CallRoutes& routes);

private:
    void add_v1(CallRoutes& routes);
    void add_later(CallRoutes& routes, std::string_view base);

    [[nodiscard]] std::string member_json(const spi::Member& member) const;
    /// Members whose address begins so and that are in this state; all for "".
    [[nodiscard]] std::string members_json(std::string_view address, std::string_view state) const;
    [[nodiscard]] std::optional<spi::Member> self() const;
    void switch_lookup(Call& call, std::string_view type) const;

    const spi::NodeInfo& node_;
    const spi::Members& members_;
    const spi::Clock& clock_;
};

}  // namespace pharos::core
