#include <pharos/protocol/request.hpp>

#include <initializer_list>

#include <pharos/protocol/params.hpp>

namespace pharos::protocol {

namespace {

std::string_view first_of(std::initializer_list<std::string_view> candidates) noexcept {
    for (const std::string_view candidate : candidates) {
        if (const std::string_view text = trimmed(candidate); !text.empty()) {
            return text;
        }
    }
    return {};
}

}  // namespace

std::string_view client_ip(const spi::HttpRequest& request) noexcept {
    const std::string_view forwarded = request.header("X-Forwarded-For");
    return first_of({forwarded.substr(0, forwarded.find(',')), request.header("X-Real-IP"), request.remote_ip});
}

std::string_view client_app(const spi::HttpRequest& request) noexcept {
    return first_of({request.header("app"), request.header("Client-AppName"), "unknown"});
}

std::string_view client_agent(const spi::HttpRequest& request) noexcept {
    return first_of({request.header("User-Agent"), request.header("Client-Version")});
}

}  // namespace pharos::protocol
