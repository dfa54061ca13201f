#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/http.hpp>

#include "api_http/calls.hpp"

namespace pharos::config {

/// The HTTP calls of config in v1, v2 and v3 (`protocol/config.md §2`): which path of which generation is which call.
class ConfigHttp {
public:
    explicit ConfigHttp(const Services& services) : services_(services) {}

    spi::Status add_to(spi::HttpRoutes& routes);
    /// Before any request comes.
    void limit_by(spi::LoadControl* control) noexcept { services_.control = control; }
    void stop() noexcept { registrations_.clear(); }

private:
    Services services_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::config
