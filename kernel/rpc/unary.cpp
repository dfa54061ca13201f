// Unary calls: the order of checks, and the way back.

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

#include "rpc/server.hpp"
#include "rpc/server_inside.hpp"

namespace pharos::rpc {

namespace {

constexpr std::string_view kServerCheck = "ServerCheckRequest";
constexpr std::string_view kErrorResponse = "ErrorResponse";

/// Only members may send these (`protocol/core.md §1.5`).
constexpr std::array<std::string_view, 5> kClusterOnly{"MemberReportRequest", "DistroDataRequest",
                                                       "ServerLoaderInfoRequest", "ServerReloadRequest",
                                                       "ConfigChangeClusterSyncRequest"};

/// Wire codes of `protocol/core.md §1.5`.
enum WireCode : int {
    kServerStarting = 300,
    kUnregistered = 301,
    kNoHandler = 302,
    kNoRight = 403,
    kOverThreshold = 503,
    kServerError = 500,
    kBadRequest = 502,
};

/// Whether the head of a reply's JSON has `text`: replies begin with resultCode and errorCode.
bool begins_with(spi::Pieces body, std::string_view text) noexcept {
    return !body.empty() && body.front().text.substr(0, 160).find(text) != std::string_view::npos;
}

class HeaderIdentity final : public spi::AuthProvider::Identity {
public:
    explicit HeaderIdentity(const spi::RpcRequest& request) noexcept : request_(request) {}
    [[nodiscard]] std::string_view get(std::string_view name) const noexcept override { return request_.header(name); }

private:
    const spi::RpcRequest& request_;
};

}  // namespace

/// What a handler's responder holds. The method may be gone before the answer comes, the counters are not.
class Server::Exchange final : public spi::RpcExchange {
public:
    Exchange(Server& server, UnaryCall& call, const Method& method) noexcept
        : server_(server), call_(call), succeeded_(method.succeeded), failed_(method.failed) {}

    void send(std::string_view type, spi::Pieces body) noexcept override {
        const bool success = type != kErrorResponse && begins_with(body, "\"resultCode\":200");
        (success ? succeeded_ : failed_).add();
        server_.reply(call_, type, body);
    }
    void release() noexcept override { delete this; }

private:
    Server& server_;
    UnaryCall& call_;
    spi::Counter& succeeded_;
    spi::Counter& failed_;
};

void Server::unary(ConnectionNumber number, std::string_view frame, UnaryCall& call) noexcept {
    take(number, frame, call, false);
}

void Server::take(ConnectionNumber number, std::string_view frame, UnaryCall& call, bool is_paced) noexcept {
    const std::shared_ptr<Connection> connection = table_.find(number);
    const Inside inside(*this, connection.get());
    if (!inside) {
        return refuse(call, kErrorResponse, kUnregistered, "Connection is unregistered.");
    }
    connection->touch(now());
    Payload payload;
    if (!decode(frame, payload)) {
        return refuse(call, kErrorResponse, kBadRequest, "Invalid request");
    }
    if (connection->peer.local_port != settings_.cluster_port &&
        std::find(kClusterOnly.begin(), kClusterOnly.end(), payload.type) != kClusterOnly.end()) {
        return refuse(call, kErrorResponse, kBadRequest,
                      " invoke " + std::string(payload.type) + " from sdk is forbidden");
    }
    if (!ready_.load(std::memory_order_acquire)) {
        return refuse(call, kErrorResponse, kServerStarting, "Server is starting,please try later.");
    }
    if (payload.type == kServerCheck) {
        return answer_check(*connection, call);
    }
    dispatch(connection->info(), connection->admitted(), payload, frame, call, is_paced);
}

void Server::dispatch(const spi::ConnectionPtr& connection, bool admitted, const Payload& payload,
                      std::string_view frame, UnaryCall& call, bool is_paced) {
    std::shared_ptr<Method> kept;
    sdk::Gate::Pass pass;
    {
        const std::shared_lock lock(methods_mutex_);
        if (const auto found = methods_.find(payload.type); found != methods_.end()) {
            kept = found->second;
            pass = kept->gate.enter();
        }
    }
    if (!pass) {
        return refuse(call, kErrorResponse, kNoHandler, "RequestHandler Not Found");
    }
    if (!admitted) {
        return refuse(call, kErrorResponse, kUnregistered, "Connection is unregistered.");
    }
    Method& method = *kept;
    if (method.limit && !is_paced) {
        const spi::Verdict verdict = method.limit.admit(
            {.client_ip = connection->remote_ip, .connection_id = connection->id, .app = claimed_app(*connection)});
        if (!verdict.status) {
            method.failed.add();
            return refuse(call, method.response_type, kOverThreshold,
                          "Tps Flow restricted:" + verdict.status.message());
        }
        if (verdict.delay.count() > 0) {
            if (!pace(connection->number, frame, call, verdict.delay)) {
                method.failed.add();
                refuse(call, method.response_type, kOverThreshold, "Tps Flow restricted:too many requests are waiting");
            }
            return;
        }
    }
    spi::Principal principal;
    const spi::RpcRequest request{payload.type, payload.body, payload.headers(), connection, &principal};
    const spi::Status admission = filter_.admit(method.access, request, HeaderIdentity(request), principal);
    if (!admission) {
        method.failed.add();
        return refuse(call, method.response_type, kNoRight, admission.message());
    }
    try {
        method.handler(request, spi::RpcResponder(new Exchange(*this, call, method)));
    } catch (const std::exception& error) {  // the responder has answered when it went
        log_.error("rpc handler threw", spi::kv("type", payload.type), spi::kv("error", error.what()));
    }
}

bool Server::pace(ConnectionNumber number, std::string_view frame, UnaryCall& call, spi::Duration delay) {
    std::uint64_t id = 0;
    {
        const std::lock_guard lock(delayed_mutex_);
        if (stopping_.load() || paced_.size() >= settings_.max_paced) {
            return false;
        }
        id = ++last_paced_;
        paced_.emplace(id, PacedCall{number, &call, std::string(frame)});
    }
    timers_.after(delay, [this, gate = gate_, id] {
        if (sdk::Gate::Pass pass = gate->enter()) {
            executors_.work().post([this, id, pass = std::move(pass)] { end_pace(id); });
        }
    });
    return true;
}

void Server::end_pace(std::uint64_t id) noexcept {
    std::unordered_map<std::uint64_t, PacedCall>::node_type due;
    {
        const std::lock_guard lock(delayed_mutex_);
        due = paced_.extract(id);
    }
    if (due) {
        const PacedCall& paced = due.mapped();
        take(paced.connection, paced.frame, *paced.call, true);
    }
}

void Server::end_all_paced() noexcept {
    std::unordered_map<std::uint64_t, PacedCall> left;
    {
        const std::lock_guard lock(delayed_mutex_);
        left.swap(paced_);
    }
    for (auto& [id, paced] : left) {
        refuse(*paced.call, kErrorResponse, kServerStarting, "Server is stopping.");
    }
}

void Server::use(spi::LoadControl* control, std::function<std::size_t()> other_clients) {
    other_clients_ = std::move(other_clients);
    control_.store(control, std::memory_order_release);
    push_block_.resolve(control, "SERVER_PUSH_BLOCK");
    const std::shared_lock lock(methods_mutex_);
    for (const auto& [type, method] : methods_) {
        method->limit.resolve(control, method->entry.limit_point);
    }
}

void Server::answer_check(const Connection& connection, UnaryCall& call) {
    checks_.fetch_add(1, std::memory_order_relaxed);
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().member("resultCode", 200).member("errorCode", 0).member("connectionId", connection.id);
    json.member("supportAbilityNegotiation", true).member("success", true).end_object();
    const spi::Piece piece(body);
    reply(call, "ServerCheckResponse", {&piece, 1});
}

void Server::refuse(UnaryCall& call, std::string_view type, int code, std::string_view message) {
    if (type == kErrorResponse) {
        refused_.add();
    }
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().member("resultCode", static_cast<int>(kServerError)).member("errorCode", code);
    json.member("message", message).member("success", false).end_object();
    const spi::Piece piece(body);
    reply(call, type, {&piece, 1});
}

void Server::reply(UnaryCall& call, std::string_view type, spi::Pieces body) {
    std::string frame = encode_head(type, {}, {}, spi::total_size(body));
    if (!begins_with(body, "\"errorCode\":503")) {
        return call.reply(frame, body);
    }
    for (const spi::Piece& piece : body) {
        frame += piece.text;
    }
    {
        const std::lock_guard lock(delayed_mutex_);
        if (!stopping_.load()) {
            delayed_.push_back({now() + settings_.throttle_delay, &call, std::move(frame)});
            arm_sweep();
            return;
        }
    }
    call.reply(frame, {});
}

void Server::flush_delayed(spi::Duration until) noexcept {
    std::vector<DelayedReply> due;
    {
        const std::lock_guard lock(delayed_mutex_);
        const auto end = std::find_if(delayed_.begin(), delayed_.end(),
                                      [until](const DelayedReply& delayed) { return delayed.due > until; });
        due.assign(std::make_move_iterator(delayed_.begin()), std::make_move_iterator(end));
        delayed_.erase(delayed_.begin(), end);
    }
    for (const DelayedReply& delayed : due) {
        delayed.call->reply(delayed.frame, {});
    }
}

std::vector<access::Entry> Server::entries() const {
    std::vector<access::Entry> found;
    found.push_back({std::string(kServerCheck), spi::Action::kRead, "connection", false, "",
                     "The first question of a handshake tells nothing but the connection's id.",
                     checks_.load(std::memory_order_relaxed)});
    {
        const std::shared_lock lock(methods_mutex_);
        for (const auto& [type, method] : methods_) {
            found.push_back(method->entry);
            found.back().calls = method->succeeded.value() + method->failed.value();
        }
    }
    std::sort(found.begin(), found.end(),
              [](const access::Entry& a, const access::Entry& b) { return a.what < b.what; });
    return found;
}

spi::Result<spi::Registration> Server::add(const spi::RpcMethod& method, spi::RpcHandler handler) {
    const std::string type(method.type);
    const auto counter = [&](const char* ok) -> spi::Counter& {
        return metrics_.counter("pharos_rpc_requests_total", "Answered unary requests by payload type",
                                {{"type", type}, {"ok", ok}});
    };
    auto made = std::shared_ptr<Method>(new Method{
        {type, method.access.action, std::string(method.access.resource_type), method.access.resource_of != nullptr,
         std::string(method.access.limit_point), std::string(method.access.anonymous_because)},
        std::string(method.response_type),
        method.access,
        std::move(handler),
        counter("true"),
        counter("false"),
        {},
        {}});
    made->access.resource_type = made->entry.resource_type;
    made->access.limit_point = made->entry.limit_point;
    made->access.anonymous_because = made->entry.anonymous_because;

    const std::unique_lock lock(methods_mutex_);
    made->limit.resolve(control_.load(std::memory_order_acquire), made->entry.limit_point);
    if (type == kServerCheck || !methods_.try_emplace(type, made).second) {
        return spi::Status(spi::Code::kConflict, "payload type " + type + " has a handler already");
    }
    return spi::Registration([this, made] {
        {
            const std::unique_lock undo_lock(methods_mutex_);
            methods_.erase(made->entry.what);
        }
        while (!made->gate.close(std::chrono::hours(1))) {
        }
    });
}

}  // namespace pharos::rpc
