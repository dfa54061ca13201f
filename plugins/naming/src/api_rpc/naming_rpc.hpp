#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/rpc.hpp>

#include "index/registry.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// The gRPC payloads of naming (`protocol/naming.md §3`), and the connections' clients.
class NamingRpc final : public spi::ConnectionObserver {
public:
    NamingRpc(Registry& registry, const Switches& switches, spi::Connections& connections);

    /// Adds the handlers. They answer until this object is destroyed or stopped.
    spi::Status add_to(spi::RpcMethods& methods);
    void stop() noexcept;

    void on_registered(const spi::ConnectionPtr& connection) noexcept override;
    void on_closed(const spi::ConnectionPtr& connection) noexcept override;

private:
    void instance(const spi::RpcRequest& request, spi::RpcResponder responder);
    /// Refused: this server keeps ephemeral instances only, and does not announce the ability.
    void persistent_instance(const spi::RpcRequest& request, spi::RpcResponder responder);
    void batch_instance(const spi::RpcRequest& request, spi::RpcResponder responder);
    void service_query(const spi::RpcRequest& request, spi::RpcResponder responder);
    void subscribe(const spi::RpcRequest& request, spi::RpcResponder responder);
    void service_list(const spi::RpcRequest& request, spi::RpcResponder responder);

    Registry& registry_;
    const Switches& switches_;
    spi::Connections& connections_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::naming
