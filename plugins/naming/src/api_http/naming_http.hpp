#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/plugin.hpp>

#include "api_http/background.hpp"
#include "api_http/catalog_calls.hpp"
#include "api_http/client_calls.hpp"
#include "api_http/instance_calls.hpp"
#include "api_http/operator_calls.hpp"
#include "api_http/service_calls.hpp"
#include "api_http/status_gate.hpp"
#include "persistent/persistent_instances.hpp"

namespace pharos::naming {

/// The HTTP calls of naming, v1, v2 and v3 (`protocol/naming.md §2`).
///
///     route ─► StatusGate (v1) ─► *_calls: read parameters with a Reader, ask the model ─► Answer in the generation's
///                                 shape
class NamingHttp {
public:
    NamingHttp(Registry& registry, Heartbeats& heartbeats, Catalogue& catalogue, PersistentInstances& persistent,
               Switches& switches, UdpPusher& udp, PushCosts& push_costs, spi::PluginContext& context);

    spi::Status add_to(spi::HttpRoutes& routes);
    /// No call is under way afterwards.
    void stop(spi::Duration patience) noexcept;

private:
    /// Several methods, as bits.
    using Methods = std::uint8_t;
    struct Style {
        Generation generation;
        Reader::Missing missing;
    };
    using Access = spi::Access<spi::HttpRequest>;

    void add_v1();
    void add_v2();
    void add_v3_client();
    void add_v3_admin();
    /// What v1 does not know, of a path or of a method, is not there in words of its own.
    void add_unknown();
    template <class Calls>
    void add(Methods methods, std::string_view path, const Access& access, Style style, Calls& calls,
             void (Calls::*handler)(Call&));

    const spi::Clock& clock_;
    Background background_;
    const StatusGate gate_;
    InstanceCalls instances_;
    ServiceCalls services_;
    CatalogCalls catalog_;
    OperatorCalls operator_;
    ClientCalls clients_;
    spi::HttpRoutes* routes_ = nullptr;
    /// Methods that each path of v1 has.
    sdk::Registrations registrations_;
};

}  // namespace pharos::naming
