#include "api_http/status_gate.hpp"

#include <memory>
#include <string>

#include <pharos/protocol/replies.hpp>
#include <pharos/protocol/request.hpp>

namespace pharos::naming {

namespace {

constexpr std::string_view kUp = "UP";

/// Whether a server in this state serves the request all the same.
bool serves(std::string_view status, const spi::HttpRequest& request) {
    const bool read = request.method == spi::HttpMethod::kGet;
    return status == kUp || (status == "WRITE_ONLY" && !read) || (status == "READ_ONLY" && read) ||
           protocol::client_agent(request).starts_with("Nacos-Server");
}

}  // namespace

std::string_view server_status(const SwitchDomain& switches) noexcept {
    return switches.overridden_server_status.empty() ? kUp : std::string_view(switches.overridden_server_status);
}

bool StatusGate::admits(Call& call) const {
    const std::shared_ptr<const SwitchDomain> switches = switches_.current();
    for (const auto& [url, status] : switches->limited_url_map) {
        if (call.request.target.starts_with(url)) {
            call.answer.empty(status);
            return false;
        }
    }
    const std::string_view status = server_status(*switches);
    if (serves(status, call.request)) {
        return true;
    }
    call.answer.refuse(business_error(503, protocol::ErrorCode::kServerError,
                                      "server is " + std::string(status) + "now, please try again later!"));
    return false;
}

}  // namespace pharos::naming
