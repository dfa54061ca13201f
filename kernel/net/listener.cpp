#include "net/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace pharos::net {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kPauseWhenExhausted{100};
/// A preface that arrives byte by byte is looked at again after this time.
constexpr std::chrono::milliseconds kSniffAgain{20};
constexpr int kAcceptsPerWake = 64;

std::string display(const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

spi::Status bind_error(const ListenAddress& address, const char* what, int error) {
    std::string text = "cannot " + std::string(what) + " " + display(address.host, address.port) + ": ";
    switch (error) {
        case EADDRINUSE:
            text += "the address is in use; stop the process that holds the port (ss -ltnp) or set another port";
            break;
        case EADDRNOTAVAIL: text += "this host has no such address; set one of its own, 0.0.0.0 or ::"; break;
        case EACCES: text += "no permission; ports below 1024 need CAP_NET_BIND_SERVICE, or set a higher port"; break;
        default: text += std::strerror(error); break;
    }
    return {spi::Code::kUnavailable, std::move(text)};
}

void set_option(int fd, int level, int name, int value) noexcept {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

/// Finds dead peers: probes after 60 s of silence, and gives up on unacknowledged bytes after 30 s.
void configure(int fd) noexcept {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
    // What a client does not read waits here, where limits count it, and not by megabytes in the system.
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 256 * 1024);
}

std::uint16_t port_of(const sockaddr_storage& address) noexcept {
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                               : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string ip_of(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = "";
    const void* bytes = address.ss_family == AF_INET6
                            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
                            : static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr);
    ::inet_ntop(address.ss_family, bytes, text, sizeof text);
    return text;
}

/// Makes a bound, listening socket or says why not.
spi::Result<UniqueFd> open_port(const ListenAddress& address, int backlog) {
    error_code error;
    const auto ip = asio::ip::make_address(address.host, error);
    if (error) {
        return spi::Status(spi::Code::kInvalidArgument,
                           "listen address '" + address.host + "' is not an IPv4 or IPv6 address");
    }
    UniqueFd fd(::socket(ip.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) {
        return bind_error(address, "open a socket for", errno);
    }
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (ip.is_v6()) {
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    const Tcp::endpoint endpoint(ip, address.port);
    if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
        return bind_error(address, "bind", errno);
    }
    if (::listen(fd.get(), backlog) != 0) {
        return bind_error(address, "listen on", errno);
    }
    return fd;
}

}  // namespace

/// What acceptors, sniffers and tickets share; tickets may outlive the listener.
struct Listener::Shared : std::enable_shared_from_this<Listener::Shared> {
    Shared(ListenerSettings s, spi::Metrics& metrics, OnAccept callback)
        : settings(std::move(s)),
          on_accept(std::move(callback)),
          accepted(
              metrics.counter("pharos_net_accepted_total", "Connections accepted.", {{"listener", settings.name}})),
          refused_total(refused(metrics, "max_connections")),
          refused_ip(refused(metrics, "max_per_remote_ip")),
          refused_silent(refused(metrics, "sniff_timeout")),
          exhausted(metrics.counter("pharos_net_exhausted_total", "Pauses because descriptors or memory ran out.",
                                    {{"listener", settings.name}})) {}

    spi::Counter& refused(spi::Metrics& metrics, const char* reason) const {
        return metrics.counter("pharos_net_refused_total", "Connections closed because of a limit.",
                               {{"listener", settings.name}, {"reason", reason}});
    }

    /// Null: a limit is reached, and counted.
    std::shared_ptr<const void> admit(const std::string& ip) {
        std::lock_guard lock(mutex);
        if (total >= settings.max_connections) {
            refused_total.add();
            return nullptr;
        }
        auto entry = per_ip.try_emplace(ip, 0).first;
        if (entry->second >= settings.max_per_remote_ip) {
            refused_ip.add();
            return nullptr;
        }
        ++entry->second;
        ++total;
        return {static_cast<const void*>(this), [self = shared_from_this(), ip](const void*) { self->leave(ip); }};
    }

    void leave(const std::string& ip) {
        std::lock_guard lock(mutex);
        --total;
        auto entry = per_ip.find(ip);
        if (--entry->second == 0) {
            per_ip.erase(entry);
        }
    }

    void hand_on(AcceptedSocket socket) {
        std::shared_lock lock(gate);
        if (!stopped) {
            accepted.add();
            on_accept(std::move(socket));
        }
    }

    const ListenerSettings settings;
    OnAccept on_accept;
    spi::Counter& accepted;
    spi::Counter& refused_total;
    spi::Counter& refused_ip;
    spi::Counter& refused_silent;
    spi::Counter& exhausted;

    mutable std::mutex mutex;
    std::size_t total = 0;
    std::unordered_map<std::string, std::size_t> per_ip;

    std::shared_mutex gate;  ///< shared while a callback runs
    bool stopped = false;
};

/// Waits for the first bytes of a connection. Keeps itself alive by its pending operations; lives on one loop.
class Listener::Sniffer : public std::enable_shared_from_this<Listener::Sniffer> {
public:
    Sniffer(std::shared_ptr<Shared> shared, asio::io_context& io, AcceptedSocket accepted, bool v6)
        : shared_(std::move(shared)),
          accepted_(std::move(accepted)),
          socket_(io),
          timer_(io),
          deadline_(std::chrono::steady_clock::now() + shared_->settings.sniff_timeout) {
        error_code ignored;
        socket_.assign(v6 ? Tcp::v6() : Tcp::v4(), accepted_.fd.release(), ignored);
    }

    void wait() {
        if (stopped()) {
            return;
        }
        timer_.expires_at(deadline_);
        timer_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error && self->socket_.is_open()) {
                self->shared_->refused_silent.add();
                error_code ignored;
                self->socket_.close(ignored);
            }
        });
        socket_.async_wait(Tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
            if (!error) {
                self->look();
            } else {
                self->timer_.cancel();
            }
        });
    }

private:
    bool stopped() const {
        std::shared_lock lock(shared_->gate);
        return shared_->stopped;
    }

    void look() {
        static constexpr char kPreface[] = {'P', 'R', 'I', ' '};  // no HTTP/1 method starts like this
        char bytes[sizeof kPreface];
        timer_.cancel();
        const ssize_t size = ::recv(socket_.native_handle(), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            wait();
        } else if (size > 0) {
            const bool preface = std::memcmp(bytes, kPreface, static_cast<std::size_t>(size)) == 0;
            if (preface && size < static_cast<ssize_t>(sizeof kPreface)) {
                again();
                return;
            }
            const bool tls = bytes[0] == 0x16 && (size < 2 || bytes[1] == 0x03);
            finish(preface ? Sniff::kHttp2 : tls ? Sniff::kTls : Sniff::kHttp1);
        }
    }

    /// Part of a preface is there and would end a wait for bytes at once, hence the timer.
    void again() {
        if (std::chrono::steady_clock::now() >= deadline_) {
            shared_->refused_silent.add();
            return;
        }
        timer_.expires_after(kSniffAgain);
        timer_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error && !self->stopped()) {
                self->look();
            }
        });
    }

    void finish(Sniff kind) {
        error_code error;
        accepted_.fd = UniqueFd(socket_.release(error));
        if (!error) {
            accepted_.kind = kind;
            shared_->hand_on(std::move(accepted_));
        }
    }

    const std::shared_ptr<Shared> shared_;
    AcceptedSocket accepted_;
    Tcp::socket socket_;
    asio::steady_timer timer_;
    const std::chrono::steady_clock::time_point deadline_;
};

/// One listening socket on one loop.
class Listener::Acceptor : public std::enable_shared_from_this<Listener::Acceptor> {
public:
    Acceptor(std::shared_ptr<Shared> shared, IoThreads& io, asio::io_context& loop, UniqueFd fd, bool v6)
        : shared_(std::move(shared)), io_(io), acceptor_(loop), pause_(loop), v6_(v6) {
        sockaddr_storage local{};
        socklen_t size = sizeof local;
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &size);
        port_ = port_of(local);
        acceptor_.assign(v6 ? Tcp::v6() : Tcp::v4(), fd.release());
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    void wait() {
        acceptor_.async_wait(Tcp::acceptor::wait_read, [self = shared_from_this()](const error_code& error) {
            if (!error) {
                self->accept_some();
            }
        });
    }

    void start() {
        asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->wait(); });
    }

    void stop() {
        asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
            error_code ignored;
            self->acceptor_.close(ignored);
            self->pause_.cancel();
        });
    }

private:
    void accept_some() {
        for (int i = 0; i < kAcceptsPerWake && acceptor_.is_open(); ++i) {
            sockaddr_storage remote{};
            socklen_t size = sizeof remote;
            UniqueFd fd(::accept4(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&remote), &size,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (fd.get() < 0) {
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                    pause();
                    return;
                }
                if (errno == EAGAIN || errno == EWOULDBLOCK) {
                    break;
                }
                continue;  // the connection died while it waited
            }
            take(std::move(fd), remote);
        }
        if (acceptor_.is_open()) {
            wait();
        }
    }

    void take(UniqueFd fd, const sockaddr_storage& remote) {
        AcceptedSocket accepted{std::move(fd), ip_of(remote), port_of(remote), port_, Sniff::kNotSniffed, nullptr};
        accepted.ticket = shared_->admit(accepted.remote_ip);
        if (accepted.ticket == nullptr) {
            return;
        }
        configure(accepted.fd.get());
        if (!shared_->settings.sniff) {
            shared_->hand_on(std::move(accepted));
            return;
        }
        asio::io_context& loop = io_.next();
        auto sniffer = std::make_shared<Sniffer>(shared_, loop, std::move(accepted), v6_);
        asio::post(loop, [sniffer] { sniffer->wait(); });
    }

    void pause() {
        shared_->exhausted.add();
        pause_.expires_after(kPauseWhenExhausted);
        pause_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error && self->acceptor_.is_open()) {
                self->wait();
            }
        });
    }

    const std::shared_ptr<Shared> shared_;
    IoThreads& io_;
    Tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    const bool v6_;
    std::uint16_t port_ = 0;
};

Listener::Listener(IoThreads& io, ListenerSettings settings, spi::Metrics& metrics, OnAccept on_accept)
    : io_(io), shared_(std::make_shared<Shared>(std::move(settings), metrics, std::move(on_accept))) {
    gauge_ = metrics.gauge("pharos_net_connections", "Open connections.", {{"listener", shared_->settings.name}},
                           [shared = shared_.get()] {
                               std::lock_guard lock(shared->mutex);
                               return static_cast<double>(shared->total);
                           });
}

Listener::~Listener() { stop(); }

spi::Status Listener::start() {
    std::vector<std::shared_ptr<Acceptor>> opened;
    for (const ListenAddress& address : shared_->settings.addresses) {
        spi::Result<UniqueFd> fd = open_port(address, shared_->settings.backlog);
        if (!fd) {
            return fd.error();
        }
        const bool v6 = address.host.find(':') != std::string::npos;
        opened.push_back(std::make_shared<Acceptor>(shared_, io_, io_.next(), std::move(fd.value()), v6));
    }
    acceptors_ = std::move(opened);
    ports_.clear();
    for (auto& acceptor : acceptors_) {
        ports_.push_back(acceptor->port());
        acceptor->start();
    }
    return {};
}

void Listener::stop() noexcept {
    {
        std::unique_lock lock(shared_->gate);
        shared_->stopped = true;
    }
    for (auto& acceptor : acceptors_) {
        acceptor->stop();
    }
    acceptors_.clear();
}

std::size_t Listener::connections() const noexcept {
    std::lock_guard lock(shared_->mutex);
    return shared_->total;
}

}  // namespace pharos::net
