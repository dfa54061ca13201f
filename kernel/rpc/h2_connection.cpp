#include "rpc/h2_connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>

namespace pharos::rpc {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kOutputBurst = 256 * 1024;
constexpr int kReadsAtOnce = 4;  ///< then other connections have their turn

H2Chain make_message(std::string_view head, spi::Pieces body) {
    H2Chain message;
    message.copy(h2_prefix(head.size() + spi::total_size(body)));
    message.copy(head);
    for (const spi::Piece& piece : body) {
        message.add(piece);
    }
    return message;
}

}  // namespace

// The core and its loops ----------------------------------------------------------------------------------------------

H2Core::H2Core(net::IoThreads& io, const H2Settings& given, spi::Metrics* metrics)
    : settings(given),
      limits{.max_frame = given.max_frame,
             .max_assembling = 4 * given.max_frame,
             .max_unsent_replies = given.max_unsent_bytes,
             .max_header_list = given.max_header_bytes,
             .max_streams = given.max_streams,
             .max_resets = given.max_resets,
             .max_control_frames = given.max_control_frames} {
    for (std::size_t i = 0; metrics != nullptr && i < refused.size(); ++i) {
        refused[i] = &metrics->counter("pharos_limit_refused_total", "Refused because of a limit, by its setting.",
                                       {{"limit", std::string(setting_of(static_cast<H2Limit>(i)))}});
    }
    for (std::size_t i = 0; i < io.size(); ++i) {
        loops.push_back(std::make_unique<H2Loop>(*this, io.at(i)));
    }
}

H2Core::~H2Core() = default;

void H2Loop::schedule(H2ConnectionPtr connection) {
    bool wake = false;
    if (net::IoThreads::current() == &io_) {
        wake = dirty_.empty() && !in_batch_;
        dirty_.push_back(std::move(connection));
    } else {
        const std::lock_guard lock(mutex_);
        wake = mailbox_.empty();
        mailbox_.push_back(std::move(connection));
    }
    if (wake) {
        asio::post(io_, [this, core = core_.shared_from_this()] { take_mail(); });
    }
}

void H2Loop::take_mail() {
    std::vector<H2ConnectionPtr> mail;
    {
        const std::lock_guard lock(mutex_);
        mail.swap(mailbox_);
    }
    const Batch batch(*this);
    for (const H2ConnectionPtr& connection : mail) {
        connection->flush();
    }
}

void H2Loop::flush_dirty() {
    for (std::size_t i = 0; i < dirty_.size(); ++i) {  // flushing may add more
        const H2ConnectionPtr connection = std::move(dirty_[i]);
        connection->flush();
    }
    dirty_.clear();
    in_batch_ = false;
}

void H2Loop::start(std::shared_ptr<H2Core> core) {
    now_ = std::chrono::steady_clock::now();
    timer_.emplace(io_);
    arm(std::move(core));
}

void H2Loop::arm(std::shared_ptr<H2Core> core) {
    const H2Settings& settings = core_.settings;
    const spi::Duration shortest =
        std::min({settings.keepalive, settings.keepalive_timeout, settings.preface_timeout, settings.stall_timeout}) /
        4;
    timer_->expires_after(std::clamp<spi::Duration>(shortest, std::chrono::milliseconds(10), std::chrono::seconds(5)));
    timer_->async_wait([this, core = std::move(core)](const boost::system::error_code& error) mutable {
        if (!error && timer_) {
            sweep();
            arm(std::move(core));
        }
    });
}

void H2Loop::sweep() {
    now_ = std::chrono::steady_clock::now();
    const Batch batch(*this);
    for (const H2ConnectionPtr& connection : all_) {
        connection->sweep();
    }
}

void H2Loop::add(H2ConnectionPtr connection) {
    connection->index_ = all_.size();
    all_.push_back(std::move(connection));
}

void H2Loop::remove(H2Connection& connection) {
    all_.back()->index_ = connection.index_;
    std::swap(all_[connection.index_], all_.back());
    all_.pop_back();
}

// Any thread ----------------------------------------------------------------------------------------------------------

/// Answers are posted like frames, and go by the way if the connection has ended.
class H2Connection::Call final : public UnaryCall {
public:
    Call(H2ConnectionPtr connection, std::int32_t stream) : connection_(std::move(connection)), stream_(stream) {
        ++connection_->core_->unanswered;
    }
    void reply(std::string_view head, spi::Pieces body) noexcept override {
        connection_->reply(stream_, make_message(head, body));
        --connection_->core_->unanswered;
        delete this;
    }

private:
    const H2ConnectionPtr connection_;
    const std::int32_t stream_;
};

/// Under the lock, so that after the end nothing is scheduled but the end itself.
void H2Connection::schedule_locked() {
    if (!std::exchange(scheduled_, true)) {
        loop_.schedule(shared_from_this());
    }
}

spi::Status H2Connection::send(std::string_view head, spi::Pieces body) {
    const std::lock_guard lock(mutex_);
    if (!has_stream_) {
        return {spi::Code::kClosed, "no such connection"};
    }
    const std::size_t size = kH2Prefix + head.size() + spi::total_size(body);
    if (queued_frames_ != 0 && (queued_bytes_ + size > core_->settings.max_queued_bytes ||
                                queued_frames_ >= core_->settings.max_queued_frames)) {
        refused_ = true;
        return {spi::Code::kUnavailable, "connection busy"};
    }
    ++queued_frames_;
    queued_bytes_ += size;
    posts_.push_back({0, make_message(head, body)});
    schedule_locked();
    return {};
}

void H2Connection::reply(std::int32_t stream, H2Chain message) {
    const std::lock_guard lock(mutex_);
    if (!ended_by_lock_) {
        posts_.push_back({stream, std::move(message)});
        schedule_locked();
    }
}

void H2Connection::end(std::string_view reason) {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(ended_by_lock_, true)) {
            return;
        }
        ended_ = true;
        has_stream_ = false;
        schedule_locked();
    }
    core_->connections.take(number_);
    core_->events->closed(number_, reason);
}

// The loop's thread ---------------------------------------------------------------------------------------------------

void H2Connection::begin() {
    boost::system::error_code error;
    if (!ended_) {
        socket_.emplace(loop_.io());
        socket_->assign(fd_.get(), error);
        if (error) {
            end("cannot be watched: " + error.message());
        }
    }
    if (ended_) {
        socket_.reset();
        return fd_.reset();
    }
    static_cast<void>(fd_.release());  // the descriptor is the socket's now
    session_ = std::make_unique<H2Session>(core_->limits, *this);
    heard_ = progress_ = std::chrono::steady_clock::now();
    loop_.add(shared_from_this());
    read();
}

void H2Connection::wait_readable() {
    socket_->async_wait(socket_->wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && self->session_ != nullptr) {
            self->read();
        }
    });
}

void H2Connection::wait_writable() {
    socket_->async_wait(socket_->wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && self->session_ != nullptr) {
            const H2Loop::Batch batch(self->loop_);
            if (self->send_now(self->pending_)) {
                self->pending_ = H2Chain();  // gives the memory back
                self->flush();
            } else if (!self->ended_) {
                self->wait_writable();
            }
        }
    });
}

void H2Connection::read() {
    const H2Loop::Batch batch(loop_);
    auto& buffer = loop_.read_buffer();
    bool more = true;
    for (int i = 0; more && i < kReadsAtOnce && !ended_; ++i) {
        const ssize_t size = ::recv(socket_->native_handle(), buffer.data(), buffer.size(), 0);
        more = size == static_cast<ssize_t>(buffer.size());
        if (size > 0) {
            heard_ = loop_.now();
            pinged_ = false;
            session_->receive({buffer.data(), static_cast<std::size_t>(size)});
            if (!session_->end_reason().empty()) {
                end(session_->end_reason());
            }
        } else if (size == 0) {
            end("hang-up");
        } else if (errno != EAGAIN && errno != EINTR) {
            end("read failed");
        }
    }
    if (!ended_) {
        wait_readable();
    }
    const std::lock_guard lock(mutex_);
    schedule_locked();  // answers, or HTTP/2's own: window updates, acknowledgements
}

void H2Connection::flush() {
    std::vector<Post> posts;
    {
        const std::lock_guard lock(mutex_);
        posts.swap(posts_);
        scheduled_ = false;
    }
    if (session_ == nullptr) {
        return;
    }
    for (Post& post : posts) {
        if (post.stream == 0) {
            session_->push(std::move(post.message));
        } else {
            session_->reply(post.stream, std::move(post.message));
        }
    }
    write();
    if (!session_->end_reason().empty()) {
        end(session_->end_reason());
    }
    if (ended_) {
        return shut_down();
    }
    count_sent();
}

void H2Connection::write() {
    while (pending_.empty()) {
        H2Chain& out = loop_.out();
        session_->produce(out, kOutputBurst);
        if (out.empty()) {
            return;
        }
        if (!send_now(out)) {
            out.move_to(pending_, out.size());
            if (ended_) {
                return;
            }
            wait_writable();
        }
    }
}

/// False: the socket does not take all of it now, or never: then the connection has ended.
bool H2Connection::send_now(H2Chain& chain) {
    while (!chain.empty()) {
        std::array<iovec, 64> entries;
        msghdr message{};
        message.msg_iov = entries.data();
        message.msg_iovlen = chain.view(entries);
        const ssize_t sent = ::sendmsg(socket_->native_handle(), &message, MSG_NOSIGNAL);
        if (sent >= 0) {
            chain.drop(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno != EINTR) {
            chain.clear();
            end("write failed");
            return false;
        }
    }
    return true;
}

/// Frees the send queue of what has gone out.
void H2Connection::count_sent() {
    const H2Session::Sent sent = session_->take_sent();
    bool drained = false;
    if (sent.bytes == 0) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        queued_frames_ -= sent.frames;
        queued_bytes_ -= sent.bytes;
        drained = queued_frames_ == 0 && std::exchange(refused_, false);
    }
    if (drained) {
        core_->events->writable(number_);
    }
}

/// Says good-bye if that needs no waiting.
void H2Connection::shut_down() {
    session_->go_away();
    write();
    ::shutdown(socket_->native_handle(), SHUT_RDWR);
    socket_.reset();
    session_.reset();
    pending_ = H2Chain();
    loop_.out().clear();
    loop_.remove(*this);
}

void H2Connection::sweep() {
    session_->relax();
    const H2Time now = loop_.now();
    const H2Settings& settings = core_->settings;
    if (session_->unsent_replies() == 0 || session_->sent_replies() != sent_replies_) {
        sent_replies_ = session_->sent_replies();
        progress_ = now;
    } else if (now - progress_ >= settings.stall_timeout) {
        return end("the client does not read its answers");
    }
    if (!session_->greeted()) {
        if (now - heard_ >= settings.preface_timeout) {
            end("no HTTP/2 preface");
        }
    } else if (pinged_) {
        if (now - pinged_at_ >= settings.keepalive_timeout) {
            end("no answer to a keep-alive ping");
        }
    } else if (now - heard_ >= settings.keepalive) {
        pinged_ = true;
        pinged_at_ = now;
        session_->ping();
        const std::lock_guard lock(mutex_);
        schedule_locked();
    }
}

// Events of the session -----------------------------------------------------------------------------------------------

void H2Connection::on_call(std::int32_t stream, std::string_view frame) {
    if (!ended_) {
        core_->events->unary(number_, frame, *new Call(shared_from_this(), stream));
    }
}

void H2Connection::on_limit(H2Limit limit) {
    if (spi::Counter* counter = core_->refused[static_cast<std::size_t>(limit)]) {
        counter->add();
    }
}

void H2Connection::on_stream_opened() {
    {
        const std::lock_guard lock(mutex_);
        has_stream_ = !ended_by_lock_;
    }
    if (!ended_) {
        core_->events->stream_opened(number_);
    }
}

void H2Connection::on_stream_frame(std::string_view frame) {
    if (!ended_) {
        core_->events->stream_frame(number_, frame);
    }
}

}  // namespace pharos::rpc
