#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/net.hpp>

#include "index/registry.hpp"
#include "push/udp_packet.hpp"

namespace pharos::naming {

/// Who asks for a list of instances and wants to be told of changes by UDP (`protocol/naming.md §5`). Views are valid
/// during the call.
struct UdpCaller {
    std::string_view ip;  ///< parameter clientIP; the sender's when that is blank
    std::uint16_t port = 0;
    std::string_view agent;  ///< header User-Agent, else Client-Version
    std::string_view app;
};

/// Tells 1.x clients of changes by UDP (`protocol/naming.md §5`). Any thread.
///
///     GET instance/list ─► reply ─► on_list ─► first call: subscribes, one push  ─┐
///                                         └──► later calls: renew                 ├─► Pusher decides when ─► offer
///     hosts changed ──────────────────────────────────────────────────────────────┘
///     offer ─► packet of the snapshot, shared by all who get it ─► send ─► ack: done
///                                                                   └─ 10 s ─► once more ─ 10 s ─► given up
///
/// A subscriber is the client ip:port with a subscription. It has at most one push that waits for its ack: a newer one
/// takes its place, and what is sent again is the snapshot of that moment. Who has not asked for a list for
/// max(30 s, cacheMillis) is no subscriber any more.
class UdpPusher {
public:
    /// How many subscriptions there may be: anybody may ask for any address. Who comes beyond that polls.
    static constexpr std::size_t kMostSubscriptions = 100'000;

    UdpPusher(Registry& registry, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log);

    /// Opens the socket; until then, and when this fails, nobody is subscribed.
    spi::Status start(spi::Net& net, std::uint16_t port);
    /// No push begins afterwards and none is waited for.
    void stop(spi::Duration patience) noexcept;

    /// A list call with a UDP port has been answered: subscribes the caller or renews its subscription, if clients of
    /// its kind are told by UDP. Call it after the reply is sent, so that the first push comes after it.
    void on_list(const ServiceKey& key, std::string_view clusters, const UdpCaller& caller);

    /// Sends the service's snapshot to the subscriber now. For Pusher, which decides when.
    void offer(const TiePtr& tie);
};

}  // namespace pharos::naming
