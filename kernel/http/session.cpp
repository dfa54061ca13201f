#include "http/session.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <limits>

#include "http/paced_request.hpp"
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
constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

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
    paced_.reset();
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

// ---- writing

void Session::flush(std::string& bytes) {
    if (state_ == State::kClosed || bytes.empty()) {
        return;
    }
    if (!unsent_.empty()) {  // the reply to a request that was pipelined before this one comes first
        unsent_ += bytes;
        bytes.clear();
        count_unsent();
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
        expire_in(worker_->server->settings.stall_timeout);
        wait_writable();
        count_unsent();
    }
    bytes.clear();
    if (bytes.capacity() > 4 * kBatch) {
        bytes = {};
    }
}

void Session::count_unsent() noexcept {
    ServerState& server = *worker_->server;
    server.unsent.fetch_add(unsent_.size() - counted_unsent_, std::memory_order_relaxed);
    const bool more = unsent_.size() > counted_unsent_;
    counted_unsent_ = unsent_.size();
    if (more && server.unsent.load(std::memory_order_relaxed) > server.settings.max_unsent) {
        server.too_much_unsent.add();
        close();
    }
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
