#include "push/pusher.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace pharos::naming {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kInFlight = 8;
constexpr std::size_t kSlice = 64;
constexpr spi::Duration kAckTimeout = 5s;
constexpr spi::Duration kFirstRetry = 1s;
constexpr spi::Duration kLongestRetry = 30s;
constexpr spi::Duration kGiveUp = 300s;

}  // namespace

Pusher::Pusher(Registry& registry, const Switches& switches, spi::Executors& executors, spi::Connections& connections,
               spi::Metrics& metrics, spi::Log& log)
    : registry_(registry),
      switches_(switches),
      executors_(executors),
      connections_(connections),
      log_(log),
      sent_(metrics.counter("pharos_naming_pushes_total", "Pushes that subscribers have acknowledged.")),
      failed_(metrics.counter("pharos_naming_push_failures_total", "Pushes that failed and were tried again.")) {}

void Pusher::on_hosts_changed(const ServicePtr& service) noexcept {
    PushWindow& window = service->push_window();
    const PushWindow::Decision decision = window.on_change(executors_.clock().steady());
    if (decision.tell_now) {
        fan_out(service);
    } else if (decision.arm) {
        executors_.timers().after(decision.delay, [this, service] {
            if (sdk::Gate::Pass pass = gate_.enter()) {
                service->lane().post([this, service, pass = std::move(pass)] { fan_out(service); });
            }
        });
    }
}

void Pusher::fan_out(const ServicePtr& service) {
    if (put_off(service)) {
        return;
    }
    const std::vector<TiePtr>& subscribers = service->subscribers();
    service->push_window().on_told(executors_.clock().steady(), subscribers.size());
    if (subscribers.empty()) {
        return;
    }
    // Keeps the text, if it is a small one, until all have been told.
    const SelectedHosts shared = service->snapshot()->select({});
    // The first slice is told from here, at once; the others by the pool.
    for (std::size_t from = kSlice; from < subscribers.size(); from += kSlice) {
        sdk::Gate::Pass pass = gate_.enter();
        if (!pass) {
            return;
        }
        const auto begin = subscribers.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end = subscribers.begin() + static_cast<std::ptrdiff_t>(std::min(from + kSlice, subscribers.size()));
        executors_.work().post([this, slice = std::vector<TiePtr>(begin, end), shared, pass = std::move(pass)] {
            for (const TiePtr& tie : slice) {
                offer(tie, false);
            }
        });
    }
    for (std::size_t i = 0; i < std::min(kSlice, subscribers.size()); ++i) {
        offer(subscribers[i], false);
    }
}

void Pusher::on_subscribed(const TiePtr& tie) noexcept {
    if (put_off(tie->service)) {
        tie->push_is_first.store(true, std::memory_order_relaxed);
        return;
    }
    offer(tie, true);
}

bool Pusher::put_off(const ServicePtr& service) {
    if (switches_.push_enabled()) {
        return false;
    }
    {
        std::lock_guard lock(put_off_mutex_);
        put_off_.insert(service);
    }
    // Turned on in between: whoever turned it may have looked before.
    on_switches_changed();
    return true;
}

void Pusher::on_switches_changed() {
    if (!switches_.push_enabled()) {
        return;
    }
    std::set<ServicePtr> services;
    {
        std::lock_guard lock(put_off_mutex_);
        services.swap(put_off_);
    }
    for (const ServicePtr& service : services) {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            service->lane().post([this, service, pass = std::move(pass)] { fan_out(service); });
        }
    }
}

void Pusher::offer(const TiePtr& tie, bool first) {
    Client& client = *tie->client;
    if (client.connection() == nullptr) {
        if (datagrams_ != nullptr) {
            datagrams_->tell(tie, tie->push_is_first.exchange(false, std::memory_order_relaxed) || first);
        }
        return;
    }
    {
        std::lock_guard lock(client.pushes_->mutex);
        if (first) {
            tie->push_is_first.store(true, std::memory_order_relaxed);
        }
        if (tie->push.in_flight) {
            tie->push.wanted = true;
            return;
        }
        if (tie->push.queued) {
            return;
        }
        if (client.pushes_->in_flight >= kInFlight) {
            tie->push.queued = true;
            client.pushes_->queue.push_back(tie);
            return;
        }
        ++client.pushes_->in_flight;
        tie->push.in_flight = true;
        first = tie->push_is_first.exchange(false, std::memory_order_relaxed);
    }
    send(tie, first);
}

void Pusher::send(const TiePtr& tie, bool first) {
    const std::shared_ptr<const std::string> clusters = tie->subscription.load();
    sdk::Gate::Pass pass = gate_.enter();
    if (clusters == nullptr || !pass) {
        finish(tie, spi::Status(spi::Code::kClosed, "not subscribed"));
        return;
    }
    const Service& service = *tie->service;
    // The time first: a snapshot that is made meanwhile is newer than what is sent now.
    const std::int64_t now = first ? registry_.clock().next() : 0;
    const SnapshotPtr snapshot = service.snapshot();
    std::string head = R"("serviceInfo":)";
    append_info_head(head, service.key().name, service.key().group, *clusters, switches_.cache_millis());
    SelectedHosts hosts = snapshot->select({.clusters = *clusters});
    std::string tail;
    append_info_tail(tail, std::max(now, snapshot->last_ref_time()), hosts.reach_protection_threshold);
    tail += R"(,"module":"naming"})";
    const spi::Piece members[] = {head, std::move(hosts.json), tail};
    connections_.push(
        tie->client->connection()->number,
        {.type = "NotifySubscriberRequest", .members = members, .timeout = kAckTimeout},
        [this, tie, sent = executors_.clock().steady(), pass = std::move(pass)](spi::Result<bool> outcome) {
            if (outcome.is_ok()) {
                costs_.record(executors_.clock().steady() - sent);
            }
            finish(tie, outcome);
        });
}

void Pusher::finish(const TiePtr& tie, const spi::Result<bool>& outcome) {
    const ClientPtr client = tie->client;
    const spi::Duration now = executors_.clock().steady();
    spi::Duration retry_after{0};
    bool again = false;
    bool give_up = false;
    {
        std::lock_guard lock(client->pushes_->mutex);
        Tie::Push& push = tie->push;
        push.in_flight = false;
        --client->pushes_->in_flight;
        if (outcome.is_ok()) {
            push.failures = 0;
            again = std::exchange(push.wanted, false);
        } else if (outcome.error().code() == spi::Code::kClosed) {
            push.wanted = false;
        } else {
            if (push.failures++ == 0) {
                push.failing_since = now;
            }
            give_up = now - push.failing_since > kGiveUp;
            retry_after = std::min(kLongestRetry, kFirstRetry * (1 << std::min(push.failures - 1, 5u)));
        }
    }
    if (outcome.is_ok()) {
        sent_.add();
        if (again) {
            offer(tie, false);
        }
    } else if (outcome.error().code() != spi::Code::kClosed) {
        failed_.add();
        if (give_up) {
            log_.warn("subscriber takes no push, closing its connection", spi::kv("client", client->id()),
                      spi::kv("service", tie->service->grouped_name()));
            connections_.close(client->connection()->number, "takes no push");
        } else {
            executors_.timers().after(retry_after, [this, tie] {
                if (sdk::Gate::Pass pass = gate_.enter()) {
                    executors_.work().post([this, tie, pass = std::move(pass)] {
                        if (!put_off(tie->service)) {
                            offer(tie, false);
                        }
                    });
                }
            });
        }
    }
    send_queued(client);
}

void Pusher::send_queued(const ClientPtr& client) {
    // A push may end within its call and so come back here: the outermost call does the work for all.
    for (bool entered = false;;) {
        TiePtr next;
        bool first = false;
        {
            std::lock_guard lock(client->pushes_->mutex);
            if (!entered && std::exchange(client->pushes_->sending_queued, true)) {
                return;
            }
            entered = true;
            if (client->pushes_->queue.empty() || client->pushes_->in_flight >= kInFlight) {
                client->pushes_->sending_queued = false;
                return;
            }
            next = std::move(client->pushes_->queue.front());
            client->pushes_->queue.pop_front();
            next->push.queued = false;
            next->push.in_flight = true;
            ++client->pushes_->in_flight;
            first = next->push_is_first.exchange(false, std::memory_order_relaxed);
        }
        send(next, first);
    }
}

}  // namespace pharos::naming
