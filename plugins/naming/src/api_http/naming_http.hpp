#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/http.hpp>

#include "beat/heartbeats.hpp"
#include "index/registry.hpp"
#include "push/udp_pusher.hpp"
#include "state/catalogue.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// The HTTP v1 calls of naming that SDKs live on (`protocol/naming.md §2.3`).
class NamingHttp {
public:
    NamingHttp(Registry& registry, Catalogue& catalogue, Switches& switches, Heartbeats& heartbeats, UdpPusher& udp,
               const spi::Clock& clock)
        : registry_(registry),
          catalogue_(catalogue),
          switches_(switches),
          heartbeats_(heartbeats),
          udp_(udp),
          clock_(clock) {}

    spi::Status add_to(spi::HttpRoutes& routes);
    void stop() noexcept { registrations_.clear(); }

private:
    void register_instance(const spi::HttpRequest& request, spi::HttpResponder responder);
    void deregister_instance(const spi::HttpRequest& request, spi::HttpResponder responder);
    void list_instances(const spi::HttpRequest& request, spi::HttpResponder responder);
    void beat(const spi::HttpRequest& request, spi::HttpResponder responder);
    void list_services(const spi::HttpRequest& request, spi::HttpResponder responder);
    void metrics(const spi::HttpRequest& request, spi::HttpResponder responder);
    void unknown(const spi::HttpRequest& request, spi::HttpResponder responder);

    Registry& registry_;
    [[maybe_unused]] Catalogue& catalogue_;
    Switches& switches_;
    Heartbeats& heartbeats_;
    UdpPusher& udp_;
    const spi::Clock& clock_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::naming
