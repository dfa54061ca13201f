#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/rpc.hpp>

#include "listen/limits.hpp"
#include "listen/rpc_listeners.hpp"
#include "store/repository.hpp"

namespace pharos::config {

/// The gRPC payloads of config (`protocol/config.md §3.1–3.4`).
class ConfigRpc {
public:
    ConfigRpc(Repository& repository, RpcListeners& listeners, ListenLimits limits = {})
        : repository_(repository), listeners_(listeners), limits_(limits) {}

    spi::Status add_to(spi::RpcMethods& methods, spi::Connections& connections);
    void stop() noexcept { registrations_.clear(); }

private:
    void query(const spi::RpcRequest& request, spi::RpcResponder responder);
    void publish(const spi::RpcRequest& request, spi::RpcResponder responder);
    void remove(const spi::RpcRequest& request, spi::RpcResponder responder);
    void batch_listen(const spi::RpcRequest& request, spi::RpcResponder responder);

    Repository& repository_;
    RpcListeners& listeners_;
    const ListenLimits limits_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::config
