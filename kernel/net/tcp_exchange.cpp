#include "net/tcp_exchange.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <latch>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/accepted_socket.hpp"
#include "net/deadlines.hpp"
#include "net/inbox.hpp"

namespace pharos::net {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::size_t kReadBuffer = 64 << 10;
constexpr std::size_t kEventsPerWake = 64;
/// Connections begun before others on the loop get their turn: one costs 10 to 20 µs.
constexpr std::size_t kBeginsPerTurn = 16;
/// Sockets that wait for their next use.
constexpr std::size_t kSpareSockets = 256;

spi::Duration steady_now() noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }

std::string display(const Tcp::endpoint& endpoint) {
    const std::string ip = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + ip + "]" : ip) + ":" + std::to_string(endpoint.port());
}

spi::Code code_of(int error) noexcept {
    switch (error) {
        case ECONNREFUSED: return spi::Code::kUnavailable;
        case ETIMEDOUT: return spi::Code::kTimeout;
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE: return spi::Code::kClosed;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
        case EAGAIN:
        case EADDRNOTAVAIL:
        case EACCES:
        case EPERM: return spi::Code::kDenied;
        default: return spi::Code::kInternal;
    }
}

spi::Status stopping() { return {spi::Code::kUnavailable, "the node stops"}; }

struct Conversation;

/// A descriptor that a loop's epoll watches, by the address of this.
struct Socket {
    UniqueFd fd;
    bool v6 = false;
    Conversation* user = nullptr;  ///< null: a spare one, whose events mean nothing
    std::uint32_t watched = 0;     ///< events
};

struct Conversation : Deadline {
    Conversation(TcpTalk asked, TcpExchanges::Done told) : talk(std::move(asked)), done(std::move(told)) {
        error_code error;
        to = Tcp::endpoint(asio::ip::make_address(talk.ip, error), talk.port);
        if (!talk.refused) {
            return;
        }
        if (error) {
            talk.refused = {spi::Code::kInvalidArgument, "'" + talk.ip + "' is not a numeric IP address"};
        } else if (talk.port == 0) {
            talk.refused = {spi::Code::kInvalidArgument, "nobody can listen on port 0 of " + talk.ip};
        }
    }

    TcpTalk talk;
    TcpExchanges::Done done;
    Tcp::endpoint to;
    std::unique_ptr<Socket> socket;
    std::string received;
    std::size_t sent = 0;
    bool connected = false;
};

}  // namespace

/// What happens on one loop.
class TcpExchanges::Loop : public std::enable_shared_from_this<TcpExchanges::Loop> {
public:
    explicit Loop(asio::io_context& io) : events_(io), timer_(io), deadlines_(steady_now()) {
        if (const int epoll = ::epoll_create1(EPOLL_CLOEXEC); epoll >= 0) {
            events_.assign(epoll);
        }
    }
    ~Loop() { drop(); }

    auto executor() { return events_.get_executor(); }

    /// Any thread.
    void put(std::unique_ptr<Conversation> conversation) {
        if (inbox_.put(std::move(conversation))) {
            asio::post(executor(), [self = shared_from_this()] { self->begin_some(); });
        }
    }

    /// On the loop, or when it does not run.
    void stop() {
        stopped_ = true;
        take_inbox();
        while (!waiting_.empty()) {
            const std::unique_ptr<Conversation> first = std::move(waiting_.front());
            waiting_.pop_front();
            first->done(stopping());
        }
        while (Deadline* left = deadlines_.any()) {
            end(static_cast<Conversation&>(*left), stopping());
        }
        forget_spares();
        timer_.cancel();
        if (events_.is_open()) {
            events_.cancel();
        }
    }

private:
    using Spares = std::vector<std::unique_ptr<Socket>>;

    void take_inbox() {
        for (std::unique_ptr<Conversation>& conversation : inbox_.take()) {
            waiting_.push_back(std::move(conversation));
        }
    }

    void begin_some() {
        if (stopped_) {
            stop();
            return;
        }
        take_inbox();
        const spi::Duration now = steady_now();
        for (std::size_t i = 0; i < kBeginsPerTurn && !waiting_.empty(); ++i) {
            std::unique_ptr<Conversation> next = std::move(waiting_.front());
            waiting_.pop_front();
            begin(std::move(next), now);
        }
        if (!waiting_.empty() && !std::exchange(turn_posted_, true)) {
            asio::post(executor(), [self = shared_from_this()] {
                self->turn_posted_ = false;
                self->begin_some();
            });
        }
        watch();
    }

    void begin(std::unique_ptr<Conversation> owned, spi::Duration now) {
        if (!owned->talk.refused) {
            owned->done(std::move(owned->talk.refused));
            return;
        }
        Conversation& conversation = *owned.release();  // end() takes it back
        ++running_;
        const spi::Duration due = deadlines_.add(conversation, now + conversation.talk.timeout);
        if (const int failure = connect(conversation); failure != 0) {
            fail(conversation, "cannot connect to ", failure);
        } else {
            arm(due);
        }
    }

    /// 0 or errno.
    int connect(Conversation& conversation) {
        const Tcp::endpoint& to = conversation.to;
        if (Spares& spares = spares_of(to.address().is_v6()); !spares.empty()) {
            conversation.socket = std::move(spares.back());
            spares.pop_back();
        } else if (const int failure = open(conversation); failure != 0) {
            return failure;
        }
        conversation.socket->user = &conversation;
        while (::connect(conversation.socket->fd.get(), to.data(), static_cast<socklen_t>(to.size())) != 0) {
            if (errno != EINTR) {
                return errno == EINPROGRESS ? 0 : errno;
            }
        }
        return 0;
    }

    int open(Conversation& conversation) {
        auto socket = std::make_unique<Socket>();
        socket->v6 = conversation.to.address().is_v6();
        socket->fd = UniqueFd(
            ::socket(conversation.to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
        // Edges: a spare socket is closed and stays watched, which levels would tell for ever.
        if (socket->fd.get() < 0 || !watch(*socket, EPOLLOUT | EPOLLET, EPOLL_CTL_ADD)) {
            return errno;
        }
        set_reset(*socket, true);
        conversation.socket = std::move(socket);
        return 0;
    }

    /// Whether closing it ends the connection with a reset.
    static void set_reset(const Socket& socket, bool on) noexcept {
        const linger at_once{on ? 1 : 0, 0};
        ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

    bool watch(Socket& socket, std::uint32_t events, int operation) noexcept {
        epoll_event wanted{};
        wanted.events = events;
        wanted.data.ptr = &socket;
        socket.watched = events;
        return ::epoll_ctl(events_.native_handle(), operation, socket.fd.get(), &wanted) == 0;
    }

    /// Has the loop wait for the next event of any socket.
    void watch() {
        if (running_ == 0 || std::exchange(watching_, true)) {
            return;
        }
        events_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const error_code& error) {
                               self->watching_ = false;
                               if (!error) {
                                   self->on_events();
                                   self->watch();
                               }
                           });
    }

    /// True: there may be more.
    bool on_events() {
        epoll_event ready[kEventsPerWake];
        const int count = ::epoll_wait(events_.native_handle(), ready, static_cast<int>(kEventsPerWake), 0);
        for (int i = 0; i < count; ++i) {
            // A conversation that ends here takes no socket but its own away, and none begins here: pointers hold.
            if (auto& socket = *static_cast<Socket*>(ready[i].data.ptr); socket.user != nullptr) {
                on_event(*socket.user, ready[i].events);
            }
        }
        return count == static_cast<int>(kEventsPerWake);
    }

    void on_event(Conversation& conversation, std::uint32_t events) {
        if (conversation.connected) {
            if (send(conversation)) {
                receive(conversation);
            }
            return;
        }
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            int failure = 0;
            socklen_t size = sizeof failure;
            ::getsockopt(conversation.socket->fd.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
            fail(conversation, "cannot connect to ", failure == 0 ? ECONNRESET : failure);
        } else if ((events & EPOLLOUT) != 0) {
            conversation.connected = true;
            if (!conversation.talk.listen) {
                end(conversation, std::string());
                return;
            }
            set_reset(*conversation.socket, false);
            send(conversation);
        }
    }

    /// False: it has ended.
    bool send(Conversation& conversation) {
        const std::string& text = conversation.talk.send;
        Socket& socket = *conversation.socket;
        while (conversation.sent < text.size()) {
            const ssize_t sent = ::send(socket.fd.get(), text.data() + conversation.sent,
                                        text.size() - conversation.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent >= 0) {
                conversation.sent += static_cast<std::size_t>(sent);
            } else if (errno == EAGAIN) {
                break;
            } else if (errno != EINTR) {
                fail(conversation, "cannot send to ", errno);
                return false;
            }
        }
        const std::uint32_t wanted = EPOLLIN | (conversation.sent < text.size() ? EPOLLOUT : 0u);
        if (wanted != socket.watched && !watch(socket, wanted, EPOLL_CTL_MOD)) {
            fail(conversation, "cannot wait for ", errno);
            return false;
        }
        return true;
    }

    void receive(Conversation& conversation) {
        const ssize_t size = ::recv(conversation.socket->fd.get(), buffer_.get(), kReadBuffer, MSG_DONTWAIT);
        if (size < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                fail(conversation, "cannot read from ", errno);
            }
            return;
        }
        conversation.received.append(buffer_.get(), static_cast<std::size_t>(size));
        spi::Status error;
        switch (conversation.talk.listen(conversation.received, size == 0, error)) {
            case Heard::kEnough: end(conversation, std::move(conversation.received)); break;
            case Heard::kBad:
                end(conversation, spi::Status(error.code(), display(conversation.to) + error.message()));
                break;
            case Heard::kMore:
                if (size == 0) {
                    end(conversation, spi::Status(spi::Code::kClosed,
                                                  display(conversation.to) + " closed before its answer was complete"));
                } else if (conversation.received.size() > conversation.talk.max_received) {
                    end(conversation, spi::Status(spi::Code::kTooLarge,
                                                  display(conversation.to) + " answered more than " +
                                                      std::to_string(conversation.talk.max_received) + " bytes"));
                }
                break;
        }
    }

    void fail(Conversation& conversation, const char* what, int error) {
        end(conversation, spi::Status(code_of(error), what + display(conversation.to) + ": " + std::strerror(error)));
    }

    void end(Conversation& conversation, spi::Result<std::string> result) {
        const std::unique_ptr<Conversation> owned(&conversation);
        owned->leave();
        --running_;
        if (owned->connected && !owned->talk.listen) {
            spare(std::move(owned->socket));
        }
        owned->socket.reset();
        owned->done(std::move(result));
    }

    /// Ends the connection with a reset and keeps the socket, which saves a third of the cost of the next connection.
    void spare(std::unique_ptr<Socket> socket) {
        Spares& spares = spares_of(socket->v6);
        sockaddr nobody{};
        nobody.sa_family = AF_UNSPEC;
        socket->user = nullptr;
        if (!stopped_ && spares.size() < kSpareSockets && ::connect(socket->fd.get(), &nobody, sizeof nobody) == 0) {
            spares.push_back(std::move(socket));
        }
    }

    Spares& spares_of(bool v6) noexcept { return v6 ? spares_v6_ : spares_v4_; }

    void forget_spares() {
        spares_v4_.clear();
        spares_v6_.clear();
    }

    /// After the last stop(): nobody is told any more.
    void drop() {
        while (Deadline* left = deadlines_.any()) {
            left->leave();
            delete static_cast<Conversation*>(left);
        }
    }

    void arm(spi::Duration at) {
        if (at >= armed_for_) {
            return;
        }
        armed_for_ = at;
        timer_.expires_at(std::chrono::steady_clock::time_point(at));
        timer_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) {
                self->on_timer();
            }
        });
    }

    void on_timer() {
        armed_for_ = spi::Duration::max();
        // Who stood still (stopped, suspended) hears all first and judges afterwards.
        for (std::size_t left = running_; on_events() && left > kEventsPerWake; left -= kEventsPerWake) {
        }
        const spi::Duration now = steady_now();
        while (Deadline* due = deadlines_.take(now)) {
            auto& conversation = static_cast<Conversation&>(*due);
            const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(conversation.talk.timeout);
            end(conversation,
                spi::Status(spi::Code::kTimeout, display(conversation.to) +
                                                     (conversation.connected ? " has not answered within "
                                                                             : " has not taken a connection within ") +
                                                     std::to_string(limit.count()) + " ms"));
        }
        if (const auto next = deadlines_.next()) {
            arm(*next);
        } else {
            forget_spares();
        }
    }

    Inbox<std::unique_ptr<Conversation>> inbox_;
    asio::posix::stream_descriptor events_;  ///< the epoll descriptor
    asio::steady_timer timer_;
    spi::Duration armed_for_ = spi::Duration::max();
    Deadlines deadlines_;  ///< of all that runs: whom it has, it owns
    std::deque<std::unique_ptr<Conversation>> waiting_;
    std::size_t running_ = 0;
    Spares spares_v4_;
    Spares spares_v6_;
    bool watching_ = false;
    bool turn_posted_ = false;
    bool stopped_ = false;
    const std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kReadBuffer);
};

TcpExchanges::TcpExchanges(IoThreads& io) : io_(io) {
    for (std::size_t i = 0; i < io.size(); ++i) {
        loops_.push_back(std::make_shared<Loop>(io.at(i)));
    }
}

TcpExchanges::~TcpExchanges() = default;

void TcpExchanges::begin(TcpTalk talk, Done done) noexcept {
    if (ended_.load(std::memory_order_acquire)) {
        done(stopping());
        return;
    }
    loops_[io_.next_index()]->put(std::make_unique<Conversation>(std::move(talk), std::move(done)));
}

void TcpExchanges::stop() noexcept {
    if (!io_.is_running()) {
        ended_.store(true, std::memory_order_release);
        for (const auto& loop : loops_) {
            loop->stop();
        }
        return;
    }
    std::latch stopped(static_cast<std::ptrdiff_t>(loops_.size()));
    for (const auto& loop : loops_) {
        asio::post(loop->executor(), [&stopped, &loop] {
            loop->stop();
            stopped.count_down();
        });
    }
    stopped.wait();
}

}  // namespace pharos::net
