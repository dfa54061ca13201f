#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/http.hpp>

#include "controller.hpp"

namespace pharos::control {

/// Shows the rules in force.
class ControlHttp {
public:
    explicit ControlHttp(const Controller& controller) : controller_(controller) {}

    spi::Status add_to(spi::HttpRoutes& routes);
    void remove() noexcept { registrations_.clear(); }

private:
    [[nodiscard]] std::string rules_json() const;

    const Controller& controller_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::control
