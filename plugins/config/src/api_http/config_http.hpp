#pragma once

#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>

#include "listen/long_polls.hpp"
#include "store/repository.hpp"

namespace pharos::config {

/// The HTTP v1 calls of config that SDKs live on (`protocol/config.md §2.3–2.4`).
class ConfigHttp {
public:
    ConfigHttp(Repository& repository, LongPolls& polls, const spi::Clock& clock)
        : repository_(repository), polls_(polls), clock_(clock) {}

    spi::Status add_to(spi::HttpRoutes& routes);
    void stop() noexcept { registrations_.clear(); }

private:
    void publish(const spi::HttpRequest& request, spi::HttpResponder responder);
    void query(const spi::HttpRequest& request, spi::HttpResponder responder);
    void remove(const spi::HttpRequest& request, spi::HttpResponder responder);
    void listen(const spi::HttpRequest& request, spi::HttpResponder responder);

    Repository& repository_;
    LongPolls& polls_;
    const spi::Clock& clock_;
    sdk::Registrations registrations_;
};

}  // namespace pharos::config
