#include "push/udp_pusher.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <pharos/sdk/json_writer.hpp>

#include "index/client.hpp"
#include "push/udp_agent.hpp"

namespace pharos::naming {

namespace {

using namespace std::chrono_literals;

constexpr spi::Duration kAckTimeout = 10s;
constexpr spi::Duration kShortestLife = 30s;
constexpr spi::Duration kSweep = 5s;
constexpr spi::Duration kQuiet = 60s;

/// The shortest spelling of a numeric address, as senders of acks are told; IPv4 as such. Nothing for other text.
std::optional<std::string> plain_ip(std::string_view given) {
    if (given.starts_with('[') && given.ends_with(']')) {
        given = given.substr(1, given.size() - 2);
    }
    const std::string text(given);
    char out[INET6_ADDRSTRLEN];
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        return inet_ntop(AF_INET, &v4, out, sizeof out);
    }
    if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) {
        return std::nullopt;
    }
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        return inet_ntop(AF_INET, &v6.s6_addr[12], out, sizeof out);
    }
    return inet_ntop(AF_INET6, &v6, out, sizeof out);
}

bool is_loopback(std::string_view ip) { return ip == "::1" || ip.starts_with("127."); }

/// Ids grow from one run of the server to the next: what a client acknowledges late means nothing else by then.
std::int64_t first_id(std::int64_t wall_ms) { return std::clamp(wall_ms * 1000, kFirstUdpId, kLastUdpId); }

}  // namespace

UdpPusher::UdpPusher(Registry& registry, const Switches& switches, spi::Executors& executors, spi::Metrics& metrics,
                     spi::Log& log, std::size_t most_subscribers)
    : registry_(registry),
      switches_(switches),
      executors_(executors),
      log_(log),
      sent_(metrics.counter("pharos_naming_udp_sent_total", "Pushes by UDP, without those sent again.")),
      acked_(metrics.counter("pharos_naming_udp_acked_total", "Pushes by UDP that were acknowledged.")),
      repeated_(metrics.counter("pharos_naming_udp_retried_total", "Pushes by UDP that were sent once more.")),
      failed_(metrics.counter("pharos_naming_udp_failed_total", "Pushes by UDP that were given up.")),
      too_large_(metrics.counter("pharos_naming_udp_too_large_total", "Pushes that no datagram can hold.")),
      refused_(metrics.counter("pharos_limit_refused_total", "Refused because of a limit, by its setting.",
                               {{"limit", "naming.max_udp_subscribers"}})),
      most_subscribers_(most_subscribers),
      last_id_(first_id(executors.clock().wall_ms())) {}

spi::Status UdpPusher::start(spi::Net& net, std::uint16_t port) {
    auto opened = net.open_udp(port, [this](const spi::UdpDatagram& datagram) { on_datagram(datagram); });
    if (!opened) {
        return opened.error();
    }
    socket_ = std::move(opened.value());
    log_.info("pushes by UDP", spi::kv("from", socket_->bound_to()));
    return {};
}

void UdpPusher::stop(spi::Duration patience) noexcept {
    gate_.close(patience);
    socket_.reset();
}

void UdpPusher::on_list(const ServiceKey& key, std::string_view clusters, const UdpCaller& caller) {
    if (caller.port == 0 || socket_ == nullptr || !switches_.push_enabled() ||
        !is_told_by_udp(caller.agent, *switches_.current())) {
        return;
    }
    std::optional<std::string> ip = plain_ip(caller.ip);
    if (!ip) {
        return;
    }
    // Not made yet: who is refused leaves nothing behind.
    const ClientPtr known_client = registry_.find_ip_port(*ip, caller.port);
    const TiePtr tie = known_client == nullptr ? nullptr : registry_.find_tie(known_client, key);
    const auto subscription = tie == nullptr ? nullptr : tie->subscription.load();
    {
        std::lock_guard lock(mutex_);
        const auto known = subscribers_.find(tie.get());
        if (known != subscribers_.end()) {
            known->second.asked = now();
            known_client->touch(now());
            if (subscription != nullptr && *subscription == clusters) {
                return;
            }
        } else if (subscribers_.size() >= most_subscribers_) {
            refused_.add();
            if (may_warn()) {
                log_.warn("no more subscribers by UDP, 1.x clients poll", spi::kv("client", *ip),
                          spi::kv("limit", most_subscribers_), spi::kv("setting", "naming.max_udp_subscribers"));
            }
            return;
        }
    }
    const ClientPtr client = registry_.ip_port_client(*ip, caller.port);
    subscribe(key, clusters, caller, client, std::move(*ip));
}

void UdpPusher::subscribe(const ServiceKey& key, std::string_view clusters, const UdpCaller& caller,
                          const ClientPtr& client, std::string ip) {
    client->set_subscriber_info(std::make_shared<const SubscriberInfo>(
        SubscriberInfo{ip, std::string(caller.agent), std::string(caller.app), caller.port}));
    // Done comes before the first push is offered.
    registry_.subscribe(client, key, std::string(clusters),
                        [this, ip = std::move(ip), port = caller.port](const spi::Result<TiePtr>& outcome) mutable {
                            if (!outcome) {
                                return;
                            }
                            const TiePtr& tie = outcome.value();
                            std::lock_guard lock(mutex_);
                            Subscriber& subscriber = subscribers_[tie.get()];
                            subscriber.tie = tie;
                            subscriber.ip = std::move(ip);
                            subscriber.port = port;
                            subscriber.asked = now();
                            if (!std::exchange(sweep_armed_, true)) {
                                later(kSweep, &UdpPusher::sweep);
                            }
                        });
}

void UdpPusher::tell(const TiePtr& tie, bool) noexcept {
    const sdk::Gate::Pass pass = gate_.enter();
    const std::shared_ptr<const std::string> clusters = tie->subscription.load();
    if (!pass || socket_ == nullptr || clusters == nullptr) {
        return;
    }
    const UdpPacketPtr packet = packet_of(*tie->service, *clusters);
    if (!fits(*packet, *tie)) {
        return;
    }
    Target target;
    {
        std::lock_guard lock(mutex_);
        const auto found = subscribers_.find(tie.get());
        if (found == subscribers_.end()) {
            return;
        }
        Subscriber& subscriber = found->second;
        forget_push(subscriber);
        subscriber.waiting = ++last_id_;
        waiting_.emplace(last_id_, Waiting{.tie = tie.get()});
        deadlines_.push_back({now() + kAckTimeout, last_id_});
        target = {tie, subscriber.ip, subscriber.port, last_id_};
        if (!std::exchange(deadline_armed_, true)) {
            later(kAckTimeout, &UdpPusher::repeat_or_give_up);
        }
    }
    sent_.add();
    send(target, *packet);
}

void UdpPusher::repeat(const Target& target) {
    const std::shared_ptr<const std::string> clusters = target.tie->subscription.load();
    if (clusters == nullptr) {
        return;
    }
    const UdpPacketPtr packet = packet_of(*target.tie->service, *clusters);
    if (fits(*packet, *target.tie)) {
        repeated_.add();
        send(target, *packet);
    }
}

void UdpPusher::send(const Target& target, const UdpPacket& packet) {
    const std::string tail = packet.tail(target.id);
    const spi::Piece pieces[] = {packet.head(), tail};
    const spi::Status status = socket_->send_to(target.ip, target.port, pieces);
    if (!status) {
        // As if it were lost on its way: it is sent once more.
        log_.debug("push by UDP failed", spi::kv("client", target.tie->client->id()),
                   spi::kv("reason", status.message()));
    }
}

bool UdpPusher::fits(const UdpPacket& packet, const Tie& tie) {
    if (packet.fits()) {
        return true;
    }
    // The client finds the change when it asks for the list again.
    too_large_.add();
    if (may_warn()) {
        log_.warn("a service is too large to be pushed by UDP, its 1.x subscribers poll",
                  spi::kv("service", tie.service->grouped_name()), spi::kv("bytes", packet.head().size()),
                  spi::kv("limit", UdpPacket::kLargest));
    }
    return false;
}

UdpPacketPtr UdpPusher::packet_of(const Service& service, const std::string& clusters) {
    const SnapshotPtr snapshot = service.snapshot();
    const std::int64_t cache_ms = switches_.cache_millis();
    std::pair<const Service*, std::string> place(&service, clusters);
    {
        std::lock_guard lock(packets_mutex_);
        const auto found = packets_.find(place);
        if (found != packets_.end() && found->second.snapshot == snapshot && found->second.cache_ms == cache_ms) {
            found->second.used = true;
            return found->second.packet;
        }
    }
    // Grouped name, no groupName, and the threshold never shown as reached (`protocol/naming.md §5, §10`).
    std::string info = R"({"name":)";
    sdk::JsonWriter::append_quoted(info, service.grouped_name());
    info += R"(,"clusters":)";
    sdk::JsonWriter::append_quoted(info, clusters);
    info += R"(,"cacheMillis":)" + std::to_string(cache_ms) + R"(,"hosts":[)";
    info += *snapshot->select({.clusters = clusters}).json;
    append_info_tail(info, snapshot->last_ref_time(), false);
    auto packet = std::make_shared<const UdpPacket>(info);
    std::lock_guard lock(packets_mutex_);
    packets_.insert_or_assign(std::move(place), Packet{snapshot, cache_ms, packet});
    return packet;
}

void UdpPusher::on_datagram(const spi::UdpDatagram& datagram) {
    const std::optional<std::int64_t> id = parse_udp_ack(datagram.data);
    if (!id) {
        return;
    }
    std::lock_guard lock(mutex_);
    const auto waiting = waiting_.find(*id);
    if (waiting == waiting_.end()) {
        return;
    }
    Subscriber& subscriber = subscribers_.at(waiting->second.tie);
    // A client on this machine that gave its address in the network answers a server that listens on loopback from
    // there.
    if (datagram.port != subscriber.port || (datagram.ip != subscriber.ip && !is_loopback(datagram.ip))) {
        return;
    }
    forget_push(subscriber);
    acked_.add();
}

void UdpPusher::forget_push(Subscriber& subscriber) { waiting_.erase(std::exchange(subscriber.waiting, 0)); }

void UdpPusher::later(spi::Duration delay, void (UdpPusher::*task)()) {
    executors_.timers().after(delay, [this, task] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, task, pass = std::move(pass)] { (this->*task)(); });
        }
    });
}

void UdpPusher::repeat_or_give_up() {
    std::vector<Target> again;
    {
        std::lock_guard lock(mutex_);
        const spi::Duration time = now();
        while (!deadlines_.empty() && deadlines_.front().at <= time) {
            const std::int64_t id = deadlines_.front().id;
            deadlines_.pop_front();
            const auto waiting = waiting_.find(id);
            if (waiting == waiting_.end()) {
                continue;
            }
            Subscriber& subscriber = subscribers_.at(waiting->second.tie);
            if (waiting->second.is_repeated) {
                forget_push(subscriber);
                failed_.add();
            } else {
                waiting->second.is_repeated = true;
                deadlines_.push_back({time + kAckTimeout, id});
                again.push_back({subscriber.tie, subscriber.ip, subscriber.port, id});
            }
        }
        deadline_armed_ = !deadlines_.empty();
        if (deadline_armed_) {
            later(deadlines_.front().at - time, &UdpPusher::repeat_or_give_up);
        }
    }
    if (switches_.push_enabled()) {
        for (const Target& target : again) {
            repeat(target);
        }
    }
}

void UdpPusher::sweep() {
    const spi::Duration life =
        std::max<spi::Duration>(kShortestLife, std::chrono::milliseconds(switches_.cache_millis()));
    std::vector<TiePtr> expired;
    {
        std::lock_guard lock(mutex_);
        const spi::Duration time = now();
        for (auto entry = subscribers_.begin(); entry != subscribers_.end();) {
            Subscriber& subscriber = entry->second;
            const bool is_silent = time - subscriber.asked > life;
            if (is_silent) {
                expired.push_back(subscriber.tie);
            }
            if (is_silent || subscriber.tie->subscription.load() == nullptr) {
                forget_push(subscriber);
                entry = subscribers_.erase(entry);
            } else {
                ++entry;
            }
        }
        sweep_armed_ = !subscribers_.empty();
        if (sweep_armed_) {
            later(kSweep, &UdpPusher::sweep);
        }
    }
    for (const TiePtr& tie : expired) {
        // It may have been replaced since: the newer one has not expired.
        if (registry_.find_tie(tie->client, tie->service->key()) == tie) {
            registry_.unsubscribe(tie->client, tie->service->key(), [](const auto&) {});
        }
    }
    std::lock_guard lock(packets_mutex_);
    for (auto entry = packets_.begin(); entry != packets_.end();) {
        entry = std::exchange(entry->second.used, false) ? std::next(entry) : packets_.erase(entry);
    }
}

bool UdpPusher::may_warn() noexcept {
    const std::int64_t time = now().count();
    std::int64_t next = next_warning_.load(std::memory_order_relaxed);
    return time >= next && next_warning_.compare_exchange_strong(next, time + kQuiet.count());
}

}  // namespace pharos::naming
