#include "plugin/plugin_context.hpp"

#include <utility>

#include "plugin/library.hpp"

namespace pharos::plugin {

Context::Context(const Surroundings& around, const spi::NodeHealth& node_health, ServiceRegistry& services,
                 const spi::Descriptor& descriptor, std::shared_ptr<Ledger> ledger)
    : around_(around),
      node_health_(node_health),
      ledger_(std::move(ledger)),
      services_(services, descriptor.name, names_of(descriptor.provides), *ledger_),
      http_(around.http, *ledger_),
      rpc_(around.rpc, *ledger_),
      connections_(around.connections, *ledger_),
      net_(around.net, ledger_),
      metrics_(around.metrics, *ledger_),
      settings_(around.settings_of(descriptor.name)),
      log_(around.log_of(descriptor.name)) {}

spi::Result<spi::Registration> Context::Http::add(const spi::HttpRoute& route, spi::HttpHandler handler) {
    return ledger_.keep(real_.add(route, std::move(handler)));
}

spi::Result<spi::Registration> Context::Rpc::add(const spi::RpcMethod& method, spi::RpcHandler handler) {
    return ledger_.keep(real_.add(method, std::move(handler)));
}

spi::Registration Context::Rpc::ability(std::string_view key) { return ledger_.keep(real_.ability(key)); }

spi::Registration Context::Connections::observe(spi::ConnectionObserver& observer) {
    return ledger_.keep(real_.observe(observer));
}

spi::Result<std::unique_ptr<spi::UdpSocket>> Context::Net::open_udp(std::uint16_t port,
                                                                    spi::UdpReceiver receiver) noexcept {
    // The socket is the plugin's own: of one that is left out it stays open, if it hangs, and hears nothing more.
    return real_.open_udp(port,
                          [ledger = ledger_, receiver = std::move(receiver)](const spi::UdpDatagram& datagram) mutable {
                              if (!ledger->is_closed()) {
                                  receiver(datagram);
                              }
                          });
}

spi::Registration Context::Metrics::gauge(std::string_view name, std::string_view help, const spi::Labels& labels,
                                          spi::UniqueFunction<double()> read) {
    return ledger_.keep(real_.gauge(name, help, labels, std::move(read)));
}

}  // namespace pharos::plugin
