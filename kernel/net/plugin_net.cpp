#include "net/plugin_net.hpp"

namespace pharos::net {

namespace {
spi::Status unavailable() { return {spi::Code::kUnavailable, "not connected to the network"}; }
}  // namespace

void PluginNet::exchange(spi::TcpExchange, spi::Completion<std::string> done) noexcept { done(unavailable()); }
void PluginNet::http_get(spi::HttpCall, spi::Completion<spi::HttpAnswer> done) noexcept { done(unavailable()); }
void PluginNet::resolve(std::string, spi::Duration, spi::Completion<std::vector<std::string>> done) noexcept {
    done(unavailable());
}
void PluginNet::resolve_srv(std::string, spi::Duration, spi::Completion<std::vector<spi::SrvRecord>> done) noexcept {
    done(unavailable());
}

}  // namespace pharos::net
