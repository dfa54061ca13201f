#pragma once

#include "api_http/call.hpp"
#include "api_http/parameters.hpp"
#include "beat/heartbeats.hpp"
#include "index/registry.hpp"
#include "persistent/instance_writer.hpp"
#include "push/udp_pusher.hpp"
#include "state/catalogue.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// Calls about instances, in all generations (`protocol/naming.md §2.3–2.6`).
class InstanceCalls {
public:
    InstanceCalls(Registry& registry, Heartbeats& heartbeats, Catalogue& catalogue, InstanceWriter& persistent,
                  const Switches& switches, UdpPusher& udp)
        : registry_(registry),
          heartbeats_(heartbeats),
          catalogue_(catalogue),
          persistent_(persistent),
          switches_(switches),
          udp_(udp) {}

    void register_instance(Call& call);
    /// v3: registers, or with `heartBeat` renews only.
    void register_or_renew(Call& call);
    void deregister(Call& call);
    /// Sets what operators override of an instance: all of it, or the parts that are given.
    void update(Call& call);
    void patch(Call& call);
    void patch_all(Call& call);      ///< v2: every part must be given
    void update_partly(Call& call);  ///< v3: a form, whose defaults count as given
    void update_metadata(Call& call);
    void delete_metadata(Call& call);
    void beat(Call& call);

    void detail(Call& call);
    /// ServiceInfo, for clients, which may ask to be told of changes by UDP.
    void list(Call& call);
    /// v3: an array of the instances of one cluster, for clients and for operators.
    void list_for_clients(Call& call);
    void list_for_operators(Call& call);
    /// "ip:port_health" of each instance of the service in `key`, which is a parameter or a part of the path.
    void statuses(Call& call);
    void statuses_of_path(Call& call);

private:
    void admit(Call& call, ServiceKey key, InstanceParameters parsed);
    void override_known(Call& call, const ServiceKey& key, const Address& address, PatchParameters patch);
    void change_metadata(Call& call, std::function<void(InstanceOverride&, const Metadata&)> change);
    void answer_statuses(Call& call, std::string_view key);
    [[nodiscard]] bool ephemeral_by_default() const { return switches_.current()->default_instance_ephemeral; }

    Registry& registry_;
    Heartbeats& heartbeats_;
    Catalogue& catalogue_;
    InstanceWriter& persistent_;
    const Switches& switches_;
    UdpPusher& udp_;
};

}  // namespace pharos::naming
