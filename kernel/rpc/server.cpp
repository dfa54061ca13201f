#include "rpc/server.hpp"

#include <algorithm>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

#include "rpc/handshake.hpp"
#include "rpc/server_inside.hpp"

namespace pharos::rpc {

Server::Server(spi::Executors& executors, spi::Metrics& metrics, spi::Log& log, const access::Filter& filter,
               Transport& transport, ServerSettings settings)
    : executors_(executors),
      timers_(executors.timers()),
      clock_(executors.clock()),
      metrics_(metrics),
      log_(log),
      filter_(filter),
      transport_(transport),
      settings_(std::move(settings)),
      refused_(metrics.counter("pharos_rpc_refused_total", "Unary requests refused before any handler")),
      pushed_(metrics.counter("pharos_rpc_pushes_total", "Requests sent to clients")),
      push_failures_(metrics.counter("pharos_rpc_push_failures_total", "Pushes refused, or not sent")),
      push_timeouts_(metrics.counter("pharos_rpc_push_timeouts_total", "Pushes that no ack came for in time")) {
    spi::RpcMethod health;
    health.type = "HealthCheckRequest";
    health.response_type = "HealthCheckResponse";
    health.access.action = spi::Action::kRead;
    health.access.resource_type = "connection";
    health.access.limit_point = "HealthCheck";
    health.access.anonymous_because = "It asks whether the connection is still registered.";
    auto added = add(health, [](const spi::RpcRequest&, spi::RpcResponder responder) {
        const spi::Piece body(R"({"resultCode":200,"errorCode":0,"success":true})");
        responder.send("HealthCheckResponse", {&body, 1});
    });
    own_.push_back(std::move(added.value()));
    for (std::size_t module = 0; module < ConnectionTable::kModules.size(); ++module) {
        own_.push_back(metrics.gauge("pharos_rpc_connections", "Registered connections",
                                     {{"module", std::string(ConnectionTable::kModules[module])}},
                                     [this, module] { return static_cast<double>(table_.registered(module)); }));
    }
}

Server::~Server() { stop(std::chrono::seconds(5)); }

void Server::start() {
    transport_.start(*this);
    every(settings_.idle_check, [this] {
        check_liveness();
        return true;
    });
}

bool Server::stop(spi::Duration patience) noexcept {
    if (stopping_.exchange(true)) {
        return true;
    }
    set_ready(false);
    flush_delayed(spi::Duration::max());
    end_all_paced();
    const bool ended = transport_.stop(patience);
    if (!ended) {
        log_.error("rpc calls are still unanswered");
    }
    return gate_->close(patience) && ended;
}

// Connections ---------------------------------------------------------------------------------------------------------

void Server::opened(ConnectionNumber number, const Peer& peer) noexcept {
    table_.add(std::make_shared<Connection>(number, peer, clock_.wall_ms(), now()));
}

void Server::closed(ConnectionNumber number, std::string_view reason) noexcept {
    const std::shared_ptr<Connection> connection = table_.find(number);
    if (connection == nullptr) {
        return;
    }
    table_.remove(*connection);
    log_.debug("rpc connection closed", spi::kv("connection", connection->id), spi::kv("reason", reason));
    const bool finish = connection->end_begins();
    for (PushDone& done : connection->pushes.close()) {
        push_failures_.add();
        done(spi::Status(spi::Code::kClosed, "connection " + connection->id + " has closed"));
    }
    if (finish) {
        finish_end(*connection);
    }
}

/// Runs once for a connection, after all that was under way for it.
void Server::finish_end(Connection& connection) noexcept {
    const spi::ConnectionPtr& info = connection.info();
    if (info == nullptr) {
        return;
    }
    table_.count(*info, -1);
    const std::shared_lock lock(observers_mutex_);
    for (spi::ConnectionObserver* observer : observers_) {
        observer->on_closed(info);
    }
}

void Server::close(ConnectionNumber number, std::string_view reason) noexcept { transport_.close(number, reason); }

std::vector<spi::ConnectionPtr> Server::list() const {
    std::vector<spi::ConnectionPtr> found;
    for (const std::shared_ptr<Connection>& connection : table_.list()) {
        if (const spi::ConnectionPtr& info = connection->info(); info != nullptr && !connection->ending()) {
            found.push_back(info);
        }
    }
    return found;
}

spi::ConnectionPtr Server::find(ConnectionNumber number) const {
    const std::shared_ptr<Connection> connection = table_.find(number);
    return connection == nullptr || connection->ending() ? nullptr : connection->info();
}

spi::Duration Server::last_active(ConnectionNumber number) const noexcept {
    const std::shared_ptr<Connection> connection = table_.find(number);
    return connection == nullptr ? spi::Duration::zero() : connection->last_active();
}

spi::Registration Server::observe(spi::ConnectionObserver& observer) {
    const std::unique_lock lock(observers_mutex_);
    observers_.push_back(&observer);
    return spi::Registration([this, &observer] {
        const std::unique_lock undo_lock(observers_mutex_);
        observers_.erase(std::find(observers_.begin(), observers_.end(), &observer));
    });
}

// The stream ----------------------------------------------------------------------------------------------------------

void Server::stream_opened(ConnectionNumber number) noexcept {
    if (const std::shared_ptr<Connection> connection = table_.find(number)) {
        connection->touch(now());
    }
}

void Server::stream_frame(ConnectionNumber number, std::string_view frame) noexcept {
    const std::shared_ptr<Connection> connection = table_.find(number);
    const Inside inside(*this, connection.get());
    if (!inside) {
        return;
    }
    connection->touch(now());
    Payload payload;
    if (!decode(frame, payload)) {
        log_.debug("rpc stream frame dropped", spi::kv("connection", connection->id), spi::kv("why", "unparsable"));
    } else if (payload.type == "ConnectionSetupRequest") {
        set_up(*connection, payload);
    } else if (!payload.type.ends_with("Response")) {
        log_.debug("rpc stream frame dropped", spi::kv("connection", connection->id), spi::kv("type", payload.type));
    } else if (const std::optional<Ack> ack = parse_ack(payload.body)) {
        std::optional<PushDone> done = connection->pushes.take(ack->request);
        if (done && ack->success) {
            (*done)(true);
        } else if (done) {
            push_failures_.add();
            (*done)(
                spi::Status(spi::Code::kInternal, "the client refused: " + std::string(payload.body.substr(0, 200))));
        }
    } else {
        log_.debug("rpc ack dropped", spi::kv("connection", connection->id), spi::kv("why", "not JSON"));
    }
}

void Server::set_up(Connection& connection, const Payload& payload) {
    if (!ready_.load(std::memory_order_acquire)) {
        return close(connection.number, "starting");
    }
    auto info = std::make_shared<spi::ConnectionInfo>();
    if (!parse_setup(payload.body, *info)) {
        log_.debug("rpc setup dropped", spi::kv("connection", connection.id), spi::kv("why", "not a setup request"));
        return;
    }
    const bool wants_ack = info->has_ability_table;
    if (connection.info() == nullptr) {
        info->number = connection.number;
        info->id = connection.id;
        info->client_ip = payload.client_ip.empty() ? std::string_view(connection.peer.ip) : payload.client_ip;
        info->remote_ip = connection.peer.ip;
        info->remote_port = connection.peer.port;
        info->local_port = connection.peer.local_port;
        info->created_ms = connection.created_ms;
        spi::Status admission;
        {
            const std::lock_guard lock(setup_mutex_);
            admission = admit(*info);
            if (admission) {
                table_.count(*info, +1);
            }
        }
        if (!admission) {
            log_.warn("connection refused by a limit", spi::kv("connection", info->id),
                      spi::kv("reason", admission.message()));
            return close(connection.number, "over the limit of connections");
        }
        connection.publish(std::move(info));
        {
            const std::shared_lock lock(observers_mutex_);
            for (spi::ConnectionObserver* observer : observers_) {
                observer->on_registered(connection.info());
            }
        }
        connection.admit();  // before the ack: the client's first call may follow it at once
    }
    if (wants_ack && !acknowledge_setup(connection)) {
        close(connection.number, "setup not acknowledged");
    }
}

spi::Status Server::admit(const spi::ConnectionInfo& info) {
    spi::LoadControl* const control = control_.load(std::memory_order_acquire);
    if (control == nullptr || info.label("source") == "cluster") {  // members are exempt (protocol/core.md §1.4)
        return {};
    }
    std::size_t connected = other_clients_ ? other_clients_() : 0;
    for (std::size_t module = 0; module < ConnectionTable::kModules.size(); ++module) {
        connected += static_cast<std::size_t>(table_.registered(module));
    }
    return control->admit_connection({.client_ip = info.remote_ip, .connection_id = info.id, .app = claimed_app(info)},
                                     connected);
}

bool Server::acknowledge_setup(const Connection& connection) {
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().key("headers").begin_object().end_object().key("abilityTable").begin_object();
    {
        const std::lock_guard lock(abilities_mutex_);
        for (auto key = abilities_.begin(); key != abilities_.end(); key = abilities_.upper_bound(*key)) {
            json.member(*key, true);
        }
    }
    json.end_object().member("module", "internal").end_object();
    return transport_.send(connection.number, encode_head("SetupAckRequest", settings_.server_ip, body, 0), {}).is_ok();
}

spi::Registration Server::ability(std::string_view key) {
    const std::lock_guard lock(abilities_mutex_);
    abilities_.emplace(key);
    return spi::Registration([this, name = std::string(key)] {
        const std::lock_guard undo_lock(abilities_mutex_);
        abilities_.erase(abilities_.find(name));
    });
}

// Pushes --------------------------------------------------------------------------------------------------------------

void Server::push(ConnectionNumber number, const spi::RpcPush& push, spi::Completion<bool> done) noexcept {
    const std::shared_ptr<Connection> connection = table_.find(number);
    const std::uint64_t id = last_push_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (connection == nullptr || connection->info() == nullptr || !connection->pushes.add(id, done)) {
        push_failures_.add();
        return done(spi::Status(spi::Code::kClosed, "no such connection"));
    }
    deadlines_.add({now() + push.timeout, number, id});
    arm_sweep();
    pushed_.add();
    const std::string start = R"({"headers":{},"requestId":")" + std::to_string(id) + "\",";
    const std::string head = encode_head(push.type, settings_.server_ip, start, spi::total_size(push.members));
    const spi::Status sent = transport_.send(number, head, push.members);
    if (sent) {
        return;  // no sign that the client reads: a small push still fits where a large one was refused
    }
    if (sent.code() == spi::Code::kUnavailable) {
        spi::Duration::rep not_blocked = 0;
        connection->blocked_since.compare_exchange_strong(not_blocked, now().count());
        const spi::ConnectionInfo& info = *connection->info();
        static_cast<void>(push_block_.admit({info.remote_ip, info.id, claimed_app(info)}));  // it counts, no more
    }
    if (std::optional<PushDone> waiting = connection->pushes.take(id)) {
        push_failures_.add();
        (*waiting)(sent);
    }
}

void Server::writable(ConnectionNumber number) noexcept {
    if (const std::shared_ptr<Connection> connection = table_.find(number)) {
        connection->blocked_since.store(0, std::memory_order_relaxed);
    }
}

// Time ----------------------------------------------------------------------------------------------------------------

/// Repeats the task while it returns true and the server has not stopped.
void Server::every(spi::Duration interval, spi::UniqueFunction<bool()> task) {
    timers_.after(interval, [this, interval, gate = gate_, task = std::move(task)]() mutable {
        const sdk::Gate::Pass pass = gate->enter();
        if (pass && task()) {
            every(interval, std::move(task));
        }
    });
}

void Server::arm_sweep() noexcept {
    if (!sweeping_.exchange(true)) {
        every(settings_.sweep_interval, [this] {
            sweep();
            sweeping_.store(false);
            const bool more = !deadlines_.empty() || [this] {
                const std::lock_guard lock(delayed_mutex_);
                return !delayed_.empty();
            }();
            return more && !sweeping_.exchange(true);
        });
    }
}

void Server::sweep() noexcept {
    const spi::Duration time = now();
    flush_delayed(time);
    for (const PushDeadlines::Deadline& deadline : deadlines_.due(time)) {
        const std::shared_ptr<Connection> connection = table_.find(deadline.connection);
        std::optional<PushDone> done = connection == nullptr ? std::nullopt : connection->pushes.take(deadline.push);
        if (done) {
            push_timeouts_.add();
            (*done)(spi::Status(spi::Code::kTimeout, "no ack from " + connection->id));
        }
    }
}

void Server::check_liveness() noexcept {
    const spi::Duration time = now();
    for (const std::shared_ptr<Connection>& connection : table_.list()) {
        const spi::Duration blocked(connection->blocked_since.load(std::memory_order_relaxed));
        const bool is_blocked = blocked.count() != 0 && time - blocked > settings_.blocked_limit;
        if (time - connection->last_active() < settings_.idle_after && !is_blocked) {
            continue;
        }
        if (connection->info() == nullptr) {
            close(connection->number, "never registered");
        } else if (!connection->probed.exchange(true)) {
            probe(connection);
        }
    }
}

/// Any activity within the time is as good as the answer, but not for one whose queue is full: it must read the probe.
void Server::probe(const std::shared_ptr<Connection>& connection) noexcept {
    const spi::Piece members(R"("module":"internal"})");
    const spi::RpcPush push{"ClientDetectionRequest", {&members, 1}, settings_.probe_timeout};
    this->push(connection->number, push, [this, connection](spi::Result<bool> acked) {
        connection->probed.store(false);
        if (acked) {
            connection->blocked_since.store(0, std::memory_order_relaxed);
            return;
        }
        if (now() - connection->last_active() >= settings_.idle_after) {
            close(connection->number, "idle");
            return;
        }
        const spi::Duration since(connection->blocked_since.load(std::memory_order_relaxed));
        if (since.count() != 0 && now() - since > settings_.blocked_limit) {
            close(connection->number, "blocked");
        }
    });
}

}  // namespace pharos::rpc
