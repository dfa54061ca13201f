#include "net/plugin_net.hpp"

#include <utility>

#include "net/http_call.hpp"

namespace pharos::net {

void PluginNet::exchange(spi::TcpExchange exchange, spi::Completion<std::string> done) noexcept {
    TcpTalk talk;
    talk.ip = std::move(exchange.ip);
    talk.port = exchange.port;
    talk.timeout = exchange.timeout;
    if (exchange.is_complete) {
        talk.send = std::move(exchange.send);
        talk.max_received = exchange.max_received;
        talk.listen = [is_complete = std::move(exchange.is_complete)](std::string& received, bool ended,
                                                                      spi::Status&) mutable {
            return !ended && is_complete(received) ? Heard::kEnough : Heard::kMore;
        };
    }
    exchanges_.begin(std::move(talk), std::move(done));
}

void PluginNet::http_get(spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept {
    net::http_get(exchanges_, std::move(call), std::move(done));
}

}  // namespace pharos::net
