#pragma once

#include <functional>
#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/http.hpp>

#include "http/router.hpp"
#include "net/io_threads.hpp"
#include "observe/metrics_registry.hpp"
#include "plugin/host.hpp"
#include "rpc/server.hpp"

namespace pharos::app {

/// The kernel's own routes, outside of the context path but for the last two:
///
///     /health/live     200 while the loops turn, else 503       no login, says nothing else
///     /health/ready    200 while no capability has failed       no login, says nothing else
///     /health          each capability with its reason, JSON
///     /metrics         Prometheus text
///     /plugins         plugin table, JSON
///     /access          every route and payload type with its access, JSON
///     /nacos/actuator/prometheus, /nacos/actuator/health    as /metrics and, in JSON, /health/ready
class AdminRoutes {
public:
    struct Parts {
        http::Router& router;
        observe::MetricsRegistry& metrics;
        const plugin::Host& host;
        const net::IoThreads& io;
        const rpc::Server& rpc;
    };

    explicit AdminRoutes(Parts parts) : parts_(parts) {}

    spi::Status add();
    void remove() noexcept { registrations_.clear(); }

private:
    void add(std::string_view path, std::string_view anonymous_because, std::function<void(spi::HttpResponder)> answer);
    [[nodiscard]] bool is_ready() const;
    [[nodiscard]] std::string health_json() const;
    [[nodiscard]] std::string plugins_json() const;
    [[nodiscard]] std::string access_json() const;

    Parts parts_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::app
