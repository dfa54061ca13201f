#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <pharos/sdk/host_load.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/plugin.hpp>

#include "api_http/background.hpp"
#include "api_http/call.hpp"
#include "index/registry.hpp"
#include "persistent/persistent_instances.hpp"
#include "push/push_costs.hpp"
#include "state/catalogue.hpp"
#include "state/switches.hpp"

namespace pharos::naming {

/// Calls about the server: switches, metrics, health, logs, in all generations (`protocol/naming.md §2.3–2.6, §7.4`).
class OperatorCalls {
public:
    OperatorCalls(Registry& registry, const Catalogue& catalogue, PersistentInstances& persistent, Switches& switches,
                  Background& background, PushCosts& push_costs, spi::PluginContext& context);

    void switches(Call& call);
    void update_switch(Call& call);
    void metrics(Call& call);
    void push_state(Call& call);
    void set_log_level(Call& call);
    void responsible_server(Call& call);

    void hello(Call& call);
    void health_checkers(Call& call);
    void update_health(Call& call);
    /// The newest probe of each persistent instance of a service.
    void probes(Call& call);

private:
    [[nodiscard]] std::string metrics_json(Generation generation);

    Registry& registry_;
    const Catalogue& catalogue_;
    PersistentInstances& persistent_;
    Switches& switches_;
    Background& background_;
    PushCosts& push_costs_;
    const spi::NodeInfo& node_;
    spi::LogLevels& log_levels_;
    const spi::Counter& pushes_;
    const spi::Counter& push_failures_;
    /// What the push counters were when push_state was last reset.
    std::atomic<std::uint64_t> pushes_before_{0};
    std::atomic<std::uint64_t> push_failures_before_{0};
    sdk::HostLoad host_load_;
};

}  // namespace pharos::naming
