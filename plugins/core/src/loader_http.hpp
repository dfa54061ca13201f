#pragma once

#include <string>

#include <pharos/sdk/host_load.hpp>
#include <pharos/spi/plugin.hpp>

#include "call.hpp"
#include "loader.hpp"

namespace pharos::core {

/// The calls about connections and their balance, of v2 and v3; v1 has none (`protocol/core.md §1.8`). v2 changes
/// things by GET: these are writes all the same.
class LoaderCalls {
public:
    /// All must outlive this object.
    LoaderCalls(spi::Connections& connections, const spi::Members& members, const spi::Clock& clock, spi::Log& log,
                sdk::HostLoad& host)
        : connections_(connections), members_(members), clock_(clock), host_(host), loader_(connections, log) {}

    void add_to(CallRoutes& routes);

private:
    [[nodiscard]] std::string connections_json() const;
    /// What is known of all members. This node asks no other.
    [[nodiscard]] std::vector<ServerLoad> loads() const;
    [[nodiscard]] std::string metrics_json(Envelope envelope) const;

    void reload_current(Call& call);
    void reload_client(Call& call);
    void smart_reload(Call& call);

    spi::Connections& connections_;
    const spi::Members& members_;
    const spi::Clock& clock_;
    sdk::HostLoad& host_;
    Loader loader_;
};

}  // namespace pharos::core
