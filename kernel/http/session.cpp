#include "http/session.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <forward_list>
#include <limits>

#include <boost/asio/steady_timer.hpp>

#include "http/owned_request.hpp"
#include "http/path.hpp"

namespace pharos::http {

using boost::system::error_code;
using Tcp = boost::asio::ip::tcp;

namespace {

/// Replies to pipelined requests are sent together up to this size.
constexpr std::size_t kBatch = 64 * 1024;
/// What a client may send ahead while its request is held.
constexpr std::size_t kAhead = 64 * 1024;
constexpr std::chrono::seconds kLinger{2};
constexpr std::string_view kTooManyHeld = "Too many requests are waiting for their answers (http.max_held).";
constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

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

struct Session::Paced {
    Paced(Socket& socket, const spi::HttpRequest& kept, spi::Status why)
        : timer(socket.get_executor()), request(kept), refused(std::move(why)) {}

    boost::asio::steady_timer timer;
    const OwnedRequest request;
    const spi::Status refused;  ///< ok: it is handled
};

Session::Session(std::shared_ptr<Worker> worker, boost::asio::io_context& loop, net::AcceptedSocket accepted)
    : worker_(std::move(worker)),
      socket_(std::in_place, loop.get_executor()),
      ticket_(std::move(accepted.ticket)),
      remote_ip_(std::move(accepted.remote_ip)),
      remote_port_(accepted.remote_port) {
    error_code ignored;
    const bool v6 = remote_ip_.find(':') != std::string::npos;
    socket_->assign(v6 ? Tcp::v6() : Tcp::v4(), accepted.fd.release(), ignored);
    socket_->non_blocking(true, ignored);
}

Session::~Session() = default;

void Session::start() {
    expire_in(worker_->server->settings.header_timeout);
    wait_readable();
}

void Session::close() noexcept {
    if (state_ == State::kClosed) {
        return;
    }
    const Ptr self(this);
    if (state_ == State::kHeld) {
        worker_->server->held.fetch_sub(1, std::memory_order_relaxed);
    }
    state_ = State::kClosed;
    deadline_ = kNever;
    if (paced_ != nullptr) {
        worker_->server->paced.fetch_sub(1, std::memory_order_relaxed);
        paced_.reset();
    }
    error_code ignored;
    socket_->close(ignored);
    socket_.reset();
    ticket_.reset();
    pending_ = {};
    unsent_ = {};
    count_unsent();
    worker_->give_back(std::move(decoder_));
    worker_->remove(*this);
    if (abandoned_) {
        std::exchange(abandoned_, nullptr)();
    }
}

void Session::close_if_idle() {
    if (state_ == State::kIdle && unsent_.empty()) {
        close();
    } else if (state_ == State::kIdle) {
        close_after_ = true;
    }
}

void Session::check_deadline() {
    if (worker_->now < deadline_ || state_ == State::kClosed) {
        return;
    }
    const bool reading = state_ == State::kReadingHeader || state_ == State::kReadingBody;
    if (!unsent_.empty()) {
        worker_->server->stalled.add();
        close();
    } else if (reading) {
        worker_->server->timed_out.add();
        worker_->out.clear();
        fail(408, "the request did not arrive in time", {});
        flush(worker_->out);
        wait_for_next();
    } else {
        close();
    }
}

// ---- reading

void Session::wait_readable() {
    if (reading_ || state_ == State::kClosed) {
        return;
    }
    reading_ = true;
    socket_->async_wait(Socket::wait_read, [self = Ptr(this)](const error_code& error) {
        self->reading_ = false;
        if (!error && self->state_ != State::kClosed) {
            self->on_readable();
        }
    });
}

void Session::on_readable() {
    if (state_ == State::kHeld) {
        read_while_held();
        return;
    }
    if (!unsent_.empty()) {
        return;  // on_writable() goes on
    }
    const ssize_t size = ::recv(socket_->native_handle(), worker_->scratch.get(), Worker::kScratch, 0);
    if (size > 0 && state_ == State::kLingering) {
        wait_readable();
    } else if (size > 0) {
        serve_bytes(static_cast<std::size_t>(size));
    } else if (size < 0 && would_block(errno)) {
        wait_readable();
    } else {
        close();
    }
}

void Session::read_while_held() {
    const ssize_t size = ::recv(socket_->native_handle(), worker_->scratch.get(), Worker::kScratch, 0);
    if (size > 0) {
        pending_.append(worker_->scratch.get(), static_cast<std::size_t>(size));
        if (pending_.size() < kAhead) {
            wait_readable();
        }
    } else if (size < 0 && would_block(errno)) {
        wait_readable();
    } else if (size < 0 || abandoned_) {
        close();
    } else {
        eof_ = true;  // only half closed, perhaps: the reply is still sent
        close_after_ = true;
    }
}

void Session::serve_bytes(std::size_t size) {
    char* data = worker_->scratch.get();
    const bool in_scratch = pending_.empty();
    if (!in_scratch) {
        pending_.append(data, size);
        data = pending_.data();
        size = pending_.size();
    }
    const std::size_t done = serve(data, size);
    if (state_ == State::kClosed) {
        return;
    }
    if (in_scratch && done < size) {
        pending_.assign(data + done, size - done);
    } else if (!in_scratch) {
        pending_.resize(size);
        pending_.erase(0, done);
        if (pending_.empty()) {
            pending_ = {};  // an idle connection keeps no buffer
        }
    }
    wait_for_next();
}

std::size_t Session::serve(char* data, std::size_t& size) {
    const ServerSettings& settings = worker_->server->settings;
    std::size_t done = 0;
    worker_->serving = this;
    worker_->out.clear();
    while (state_ != State::kClosed && !close_after_ && unsent_.empty()) {
        if (state_ == State::kIdle) {
            while (done < size && (data[done] == '\r' || data[done] == '\n')) {
                ++done;  // some clients end a body with a line end that does not count
            }
            if (done == size) {
                break;
            }
            decoder_ = worker_->take_decoder();
            state_ = State::kReadingHeader;
            continued_ = false;
            expire_in(settings.header_timeout);
        }
        const auto progress = decoder_->decode(data + done, size - done);
        if (progress == RequestDecoder::Progress::kFailed) {
            worker_->server->malformed.add();
            const std::string path(split_target(decoder_->target(data + done)).raw_path);
            fail(decoder_->failure(), decoder_->reason(), path);
            done = size;
            break;
        }
        if (progress == RequestDecoder::Progress::kNeedMore) {
            size = done + decoder_->compact(data + done, size - done);
            if (decoder_->header_complete() && state_ == State::kReadingHeader) {
                state_ = State::kReadingBody;
                expire_in(settings.body_timeout);
            }
            if (decoder_->expects_continue() && decoder_->header_complete() && !continued_ && !decoder_->is_http10()) {
                continued_ = true;
                worker_->out += "HTTP/1.1 100 Continue\r\n\r\n";
            }
            break;
        }
        dispatch(data + done);
        done += decoder_->consumed();
        worker_->give_back(std::move(decoder_));
        if (state_ != State::kIdle) {
            break;
        }
        if (worker_->out.size() >= kBatch) {
            flush(worker_->out);
        }
    }
    worker_->serving = nullptr;
    if (state_ != State::kClosed) {
        flush(worker_->out);
    }
    return done;
}

void Session::resume() {
    if (state_ == State::kIdle && !pending_.empty() && !close_after_ && unsent_.empty()) {
        std::size_t size = pending_.size();
        const std::size_t done = serve(pending_.data(), size);
        if (state_ == State::kClosed) {
            return;
        }
        pending_.resize(size);
        pending_.erase(0, done);
    }
    wait_for_next();
}

void Session::wait_for_next() {
    if (state_ == State::kClosed || state_ == State::kLingering || !unsent_.empty()) {
        return;
    }
    if (state_ == State::kHeld) {
        deadline_ = kNever;
        if (pending_.size() < kAhead && !eof_) {
            wait_readable();
        }
        return;
    }
    if (close_after_ && state_ == State::kIdle) {
        if (linger_ || !pending_.empty()) {
            linger();
        } else {
            close();
        }
        return;
    }
    if (state_ == State::kIdle) {
        expire_in(worker_->server->settings.idle_timeout);
    }
    wait_readable();
}

// ---- one request

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
    paced_ = std::make_unique<Paced>(*socket_, request, std::move(verdict.status));
    ++serial_;
    state_ = State::kHeld;
    worker_->server->held.fetch_add(1, std::memory_order_relaxed);
    worker_->server->paced.fetch_add(1, std::memory_order_relaxed);
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
    const std::unique_ptr<Paced> paced = std::move(paced_);
    worker_->server->paced.fetch_sub(1, std::memory_order_relaxed);
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

// ---- writing

void Session::flush(std::string& bytes) {
    if (state_ == State::kClosed || bytes.empty()) {
        return;
    }
    if (!unsent_.empty()) {  // the reply to a request that was pipelined before this one comes first
        unsent_ += bytes;
        bytes.clear();
        count_unsent();
        if (worker_->server->unsent.load(std::memory_order_relaxed) > worker_->server->settings.max_unsent) {
            worker_->server->too_much_unsent.add();
            close();
        }
        return;
    }
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t n =
            ::send(socket_->native_handle(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (!would_block(errno)) {
                bytes.clear();
                close();
                return;
            }
            break;
        }
        sent += static_cast<std::size_t>(n);
    }
    if (sent < bytes.size()) {
        unsent_.assign(bytes, sent, std::string::npos);
        unsent_from_ = 0;
        count_unsent();
        if (worker_->server->unsent.load(std::memory_order_relaxed) > worker_->server->settings.max_unsent) {
            worker_->server->too_much_unsent.add();
            bytes.clear();
            return close();
        }
        expire_in(worker_->server->settings.stall_timeout);
        wait_writable();
    }
    bytes.clear();
    if (bytes.capacity() > 4 * kBatch) {
        bytes = {};
    }
}

void Session::count_unsent() noexcept {
    worker_->server->unsent.fetch_add(unsent_.size() - counted_unsent_, std::memory_order_relaxed);
    counted_unsent_ = unsent_.size();
}

void Session::wait_writable() {
    socket_->async_wait(Socket::wait_write, [self = Ptr(this)](const error_code& error) {
        if (!error && self->state_ != State::kClosed) {
            self->on_writable();
        }
    });
}

void Session::on_writable() {
    const ssize_t n = ::send(socket_->native_handle(), unsent_.data() + unsent_from_, unsent_.size() - unsent_from_,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && !would_block(errno)) {
        close();
        return;
    }
    if (n > 0) {
        unsent_from_ += static_cast<std::size_t>(n);
        expire_in(worker_->server->settings.stall_timeout);
    }
    if (unsent_from_ < unsent_.size()) {
        wait_writable();
        return;
    }
    unsent_ = {};
    count_unsent();
    resume();
}

void Session::linger() {
    // Closing with unread input would reset the connection and could take the reply with it.
    ::shutdown(socket_->native_handle(), SHUT_WR);
    state_ = State::kLingering;
    expire_in(kLinger);
    wait_readable();
}

}  // namespace pharos::http
