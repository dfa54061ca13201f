#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/plugin.hpp>
#include <string>

#include "namespaces.hpp"

namespace pharos::core {

/// Calls about the server itself, in all generations (`protocol/core.md §3.7–3.9`): state, liveness, readiness, the
/// members, the namespaces.
class CoreHttp {
public:
    /// The context must outlive this object.
    explicit CoreHttp(spi::PluginContext& context) : context_(context) {}

    spi::Status add_to(spi::HttpRoutes& routes);
    /// Requests come only afterwards.
    void use(Namespaces namespaces) { namespaces_.emplace(std::move(namespaces)); }
    void stop() noexcept { registrations_.clear(); }

private:
    [[nodiscard]] std::string state_json() const;
    [[nodiscard]] std::string member_json(const spi::Member& member) const;
    [[nodiscard]] std::string members_json() const;
    [[nodiscard]] std::string self_json() const;

    spi::PluginContext& context_;
    std::optional<Namespaces> namespaces_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::core
