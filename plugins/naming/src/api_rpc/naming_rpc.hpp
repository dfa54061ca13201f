#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/rpc.hpp>

#include "index/registry.hpp"
#include "persistent/instance_writer.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// Instances that one batch may have, and what counts refusals (may be null).
struct BatchLimit {
    std::size_t most = 10'000;
    spi::Counter* refused = nullptr;
};

/// The gRPC payloads of naming (`protocol/naming.md §3`), and the connections' clients.
class NamingRpc final : public spi::ConnectionObserver {
public:
    NamingRpc(Registry& registry, const Switches& switches, InstanceWriter& persistent, spi::Connections& connections,
              BatchLimit batch = {});

    /// Adds the handlers. They answer until this object is destroyed or stopped.
    spi::Status add_to(spi::RpcMethods& methods);
    /// Tells clients that they may register persistent instances this way; those that are not told use HTTP.
    void announce_persistent(spi::RpcMethods& methods);
    void stop() noexcept;

    void on_registered(const spi::ConnectionPtr& connection) noexcept override;
    void on_closed(const spi::ConnectionPtr& connection) noexcept override;

private:
    void instance(const spi::RpcRequest& request, spi::RpcResponder responder);
    void persistent_instance(const spi::RpcRequest& request, spi::RpcResponder responder);
    void batch_instance(const spi::RpcRequest& request, spi::RpcResponder responder);
    void service_query(const spi::RpcRequest& request, spi::RpcResponder responder);
    void subscribe(const spi::RpcRequest& request, spi::RpcResponder responder);
    void service_list(const spi::RpcRequest& request, spi::RpcResponder responder);

    Registry& registry_;
    const Switches& switches_;
    InstanceWriter& persistent_;
    spi::Connections& connections_;
    const BatchLimit batch_;
    sdk::Registrations registrations_;
    spi::Registration ability_;
};

}  // namespace pharos::naming
