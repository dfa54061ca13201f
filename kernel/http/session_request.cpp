// One request of a session: from its complete bytes by its limit and its handler to its answer.
#include <forward_list>

#include "http/paced_request.hpp"
#include "http/path.hpp"
#include "http/session.hpp"

namespace pharos::http {

using boost::system::error_code;

namespace {

constexpr std::string_view kTooManyHeld = "Too many requests are waiting for their answers (http.max_held).";

/// Identity of a request: headers first, then the query, then a form body.
class RequestIdentity final : public spi::AuthProvider::Identity {
public:
    explicit RequestIdentity(const spi::HttpRequest& request) noexcept : request_(request) {}

    std::string_view get(std::string_view name) const noexcept override {
        std::string_view value = request_.header(name);
        if (value.empty()) {
            value = find_parameter(request_.query, name, decoded_.emplace_front());
        }
        if (value.empty() && is_form(request_.header("Content-Type"))) {
            value = find_parameter(request_.body, name, decoded_.emplace_front());
        }
        return value;
    }

private:
    const spi::HttpRequest& request_;
    mutable std::forward_list<std::string> decoded_;  ///< keeps what get() has returned
};

/// Ends a call of a route also when the handler throws.
struct Leave {
    Route& route;
    ~Leave() { route.leave(); }
};

}  // namespace

ReplyForm Session::form() const noexcept {
    return {http10_, keep_alive_ && !worker_->server->draining.load(std::memory_order_relaxed), head_};
}

void Session::dispatch(const char* data) {
    spi::HttpRequest request;
    const bool known_method = decoder_->request(data, request);
    http10_ = decoder_->is_http10();
    keep_alive_ = decoder_->keep_alive();
    head_ = known_method && request.method == spi::HttpMethod::kHead;
    state_ = State::kHandling;
    const Target target = split_target(request.target);
    const auto path = canonical_path(target.raw_path, worker_->path_storage);
    if (!path) {
        refuse(400, "The path is not valid.", target.raw_path);
        return;
    }
    const std::string_view method = decoder_->method_text(data);
    if (!known_method) {
        refuse(405, "Method '" + std::string(method) + "' is not supported.", target.raw_path);
        return;
    }
    request.path = *path;
    request.query = target.query;
    request.remote_ip = remote_ip_;
    request.remote_port = remote_port_;
    route(request, target.raw_path, method, false);
}

void Session::route(spi::HttpRequest& request, std::string_view raw_path, std::string_view method, bool is_paced) {
    const RouteTable::Match match = worker_->routes.table().match(request.method, request.path);
    if (match.route != nullptr && match.route->enter()) {
        const Leave leave{*match.route};
        if (is_paced || !match.route->limit() || !pace(match.route->limit(), request)) {
            call(*match.route, request);
        }
    } else if (match.known) {
        refuse(405, "Method '" + std::string(method) + "' is not supported.", raw_path, match.allowed);
    } else {
        refuse(404, "No endpoint " + std::string(method) + " " + std::string(raw_path) + ".", raw_path);
    }
}

bool Session::pace(const access::Limit& limit, const spi::HttpRequest& request) {
    spi::Verdict verdict =
        limit.admit({.client_ip = remote_ip_, .connection_id = {}, .app = request.header("Client-AppName")});
    if (verdict.status && verdict.delay.count() <= 0) {
        return false;
    }
    if (!may_hold()) {
        refuse(503, kTooManyHeld, request.path);
        return true;
    }
    paced_ = std::make_unique<PacedRequest>(worker_->server->paced, *socket_, request, std::move(verdict.status));
    ++serial_;
    state_ = State::kHeld;
    worker_->server->held.fetch_add(1, std::memory_order_relaxed);
    paced_->timer.expires_after(verdict.delay);
    paced_->timer.async_wait([self = Ptr(this), serial = serial_](const error_code& error) {
        if (!error) {
            self->end_pace(serial);
        }
    });
    return true;
}

void Session::end_pace(std::uint32_t serial) {
    if (state_ != State::kHeld || serial != serial_ || paced_ == nullptr) {
        return;
    }
    const std::unique_ptr<PacedRequest> paced = std::move(paced_);
    worker_->server->held.fetch_sub(1, std::memory_order_relaxed);
    state_ = State::kHandling;
    worker_->serving = this;
    worker_->out.clear();
    spi::HttpRequest request = paced->request.view();
    if (!paced->refused) {
        const spi::Piece text(paced->refused.message());
        append_reply(worker_->out, {.status = 503, .content_type = "text/plain;charset=UTF-8", .body = {&text, 1}},
                     form());
        answered(503);
    } else {
        route(request, request.path, spi::to_string(request.method), true);
    }
    worker_->serving = nullptr;
    if (state_ != State::kClosed) {
        flush(worker_->out);
        resume();
    }
}

bool Session::may_hold() {
    ServerState& server = *worker_->server;
    if (server.held.load(std::memory_order_relaxed) < server.settings.max_held) {
        return true;
    }
    server.too_many_held.add();
    return false;
}

void Session::call(Route& route, spi::HttpRequest& request) {
    ServerState& server = *worker_->server;
    spi::Principal principal;
    const spi::Status admitted = server.filter.admit(route.access(), request, RequestIdentity(request), principal);
    if (!admitted) {
        refuse(403, admitted.message(), request.path);
        return;
    }
    request.principal = &principal;
    ++serial_;
    awaiting_ = true;
    intrusive_ptr_add_ref(this);  // the responder's
    try {
        route.call(request, spi::HttpResponder(this));
    } catch (...) {
        // The responder died on the way here: it has answered 500, or lives on with somebody who will answer.
    }
    if (state_ != State::kHandling) {
        return;
    }
    if (may_hold()) {
        state_ = State::kHeld;
        server.held.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    // The responder has not spoken and may still: what it says must find nobody, so this is the connection's end.
    append_error(worker_->out, 503, kTooManyHeld, request.path, {http10_, false, head_});
    server.count(503);
    state_ = State::kLingering;
    worker_->post([self = Ptr(this)] { self->close(); });
}

void Session::refuse(int status, std::string_view message, std::string_view path, std::string_view allow) {
    append_error(worker_->out, status, message, path, form(), allow);
    answered(status);
}

void Session::fail(int status, std::string_view message, std::string_view path) {
    worker_->give_back(std::move(decoder_));
    keep_alive_ = false;
    http10_ = false;
    head_ = false;
    linger_ = true;
    refuse(status, message, path);
}

void Session::answered(int status) noexcept {
    if (state_ == State::kHeld) {
        worker_->server->held.fetch_sub(1, std::memory_order_relaxed);
    }
    worker_->server->count(status);
    awaiting_ = false;
    abandoned_.reset();
    if (!form().keep_alive) {
        close_after_ = true;
    }
    state_ = State::kIdle;
}

void Session::send(const spi::HttpReply& reply) noexcept {
    if (worker_->is_current()) {
        if (state_ == State::kHandling) {
            append_reply(worker_->out, reply, form());
            answered(reply.status);
        } else if (state_ == State::kHeld) {
            std::string bytes;
            append_reply(bytes, reply, form());
            finish_held(serial_, reply.status, bytes);
        }
        return;
    }
    std::string bytes;
    append_reply(bytes, reply, form());
    worker_->post([self = Ptr(this), serial = serial_, status = reply.status, bytes = std::move(bytes)]() mutable {
        self->finish_held(serial, status, bytes);
    });
}

void Session::finish_held(std::uint32_t serial, int status, std::string& bytes) {
    if (state_ != State::kHeld || serial != serial_) {
        return;
    }
    answered(status);
    flush(bytes);
    if (worker_->serving == nullptr) {
        resume();
    } else {  // inside the handler of another session: the shared buffers are in use
        worker_->post([self = Ptr(this)] { self->resume(); });
    }
}

void Session::on_abandoned(spi::Task task) noexcept {
    if (worker_->is_current() && state_ != State::kClosed && !eof_) {
        abandoned_ = std::move(task);
        return;
    }
    worker_->post([self = Ptr(this), serial = serial_, task = std::move(task)]() mutable {
        self->note_abandon_task(serial, std::move(task));
    });
}

void Session::note_abandon_task(std::uint32_t serial, spi::Task task) {
    if (serial != serial_ || !awaiting_) {
        return;  // answered meanwhile
    }
    if (state_ == State::kClosed) {
        awaiting_ = false;
        task();
        return;
    }
    abandoned_ = std::move(task);
    if (eof_) {
        close();
    }
}

}  // namespace pharos::http
