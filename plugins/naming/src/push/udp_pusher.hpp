#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/net.hpp>

#include "index/registry.hpp"
#include "push/pusher.hpp"
#include "push/udp_packet.hpp"
#include "state/switches.hpp"

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
///     GET instance/list ─► reply ─► on_list ─┬─► first call: subscribes ─► one push ─┐
///                                            └─► later calls: renew                  ├─► Pusher decides when ─► tell
///     hosts changed ─────────────────────────────────────────────────────────────────┘
///     tell ─► packet of the snapshot, shared by all who get it ─► send ─► ack: done
///                                                                    └─ 10 s ─► once more ─ 10 s ─► given up
///
/// A subscriber is the client ip:port with a subscription. At most one push to it waits for its ack: a newer one takes
/// its place, and what is sent once more is the snapshot of that moment. Who has not asked for the list for
/// max(30 s, cacheMillis) is no subscriber any more.
class UdpPusher final : public DatagramSubscribers {
public:
    /// `most_subscribers`: how many subscriptions there may be (naming.max_udp_subscribers): anybody may ask for any
    /// address. Who comes beyond that polls.
    UdpPusher(Registry& registry, const Switches& switches, spi::Executors& executors, spi::Metrics& metrics,
              spi::Log& log, std::size_t most_subscribers = 100'000);

    /// Opens the socket; until then nobody is subscribed. Errors: those of spi::Net.
    spi::Status start(spi::Net& net, std::uint16_t port);
    /// No push begins afterwards; acks that are still to come are not waited for. Whoever answers list calls must have
    /// stopped.
    void stop(spi::Duration patience) noexcept;

    /// A list call with a UDP port has been answered: subscribes the caller or renews its subscription, if clients of
    /// its kind are told by UDP. Call it after the reply is sent, so that the first push comes after it.
    void on_list(const ServiceKey& key, std::string_view clusters, const UdpCaller& caller);

    /// Sends the service's snapshot to the subscriber now. Pusher decides when.
    void tell(const TiePtr& tie, bool first) noexcept override;

private:
    struct Subscriber {
        TiePtr tie;
        std::string ip;
        std::uint16_t port = 0;
        spi::Duration asked{0};
        std::int64_t waiting = 0;  ///< id of the push that waits for its ack; 0 = none
    };
    struct Waiting {
        const Tie* tie = nullptr;
        bool is_repeated = false;
    };
    struct Deadline {
        spi::Duration at;
        std::int64_t id;
    };
    struct Packet {
        SnapshotPtr snapshot;
        std::int64_t cache_ms = 0;
        UdpPacketPtr packet;
        bool used = true;  ///< since the last sweep
    };
    struct Target {
        TiePtr tie;
        std::string ip;
        std::uint16_t port = 0;
        std::int64_t id = 0;
    };

    void subscribe(const ServiceKey& key, std::string_view clusters, const UdpCaller& caller, const ClientPtr& client,
                   std::string ip);
    void send(const Target& target, const UdpPacket& packet);
    void repeat(const Target& target);
    /// False is counted, and told now and then.
    bool fits(const UdpPacket& packet, const Tie& tie);
    void on_datagram(const spi::UdpDatagram& datagram);
    /// The newest packet for these clusters, made if nobody has asked for it yet.
    UdpPacketPtr packet_of(const Service& service, const std::string& clusters);
    void forget_push(Subscriber& subscriber);
    /// Has the task run on the pool after the delay, unless this is stopped.
    void later(spi::Duration delay, void (UdpPusher::*task)());
    void repeat_or_give_up();
    void sweep();
    /// Whether such a line may be written again: once a minute.
    bool may_warn() noexcept;
    [[nodiscard]] spi::Duration now() const noexcept { return executors_.clock().steady(); }

    Registry& registry_;
    const Switches& switches_;
    spi::Executors& executors_;
    spi::Log& log_;
    spi::Counter& sent_;
    spi::Counter& acked_;
    spi::Counter& repeated_;
    spi::Counter& failed_;
    spi::Counter& too_large_;
    spi::Counter& refused_;
    const std::size_t most_subscribers_;
    std::unique_ptr<spi::UdpSocket> socket_;  ///< from start() to the end of stop()
    std::atomic<std::int64_t> next_warning_{0};

    std::mutex mutex_;  ///< guards what follows; never held over a send, an encoding or the registry
    std::unordered_map<const Tie*, Subscriber> subscribers_;
    std::unordered_map<std::int64_t, Waiting> waiting_;  ///< by id
    std::deque<Deadline> deadlines_;                     ///< in order; of what is acked, too, until its time
    std::int64_t last_id_;
    bool deadline_armed_ = false;
    bool sweep_armed_ = false;

    std::mutex packets_mutex_;
    std::map<std::pair<const Service*, std::string>, Packet> packets_;  ///< the newest, by service and clusters

    sdk::Gate gate_;
};

}  // namespace pharos::naming
