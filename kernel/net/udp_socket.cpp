#include "net/udp_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>

#include "net/accepted_socket.hpp"

namespace pharos::net {

namespace asio = boost::asio;
using boost::system::error_code;
using Udp = asio::ip::udp;

namespace {

/// The largest datagram there is; pages that none ever touched cost nothing.
constexpr std::size_t kReadBuffer = 64 << 10;
/// Room for the acks of thousands of receivers that were told at once; the system may give less.
constexpr int kSystemBuffer = 4 << 20;
constexpr int kReadsPerWake = 64;
constexpr std::size_t kPieces = 16;

void set_option(int fd, int level, int name, int value) noexcept {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

/// IPv4 as such, also when it is written as an IPv6 address.
asio::ip::address plain(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return address;
}

std::string display(const Udp::endpoint& endpoint) {
    const std::string ip = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + ip + "]" : ip) + ":" + std::to_string(endpoint.port());
}

spi::Status bind_error(const Udp::endpoint& endpoint, int error) {
    std::string text = "cannot bind UDP " + display(endpoint) + ": ";
    text += error == EADDRINUSE ? "the address is in use; stop the process that holds the port (ss -lunp) or set "
                                  "another port, 0 for any free one"
                                : std::strerror(error);
    return {spi::Code::kUnavailable, std::move(text)};
}

/// One system socket, read on one loop; pending operations keep it alive. Sending is any thread's.
class Socket : public std::enable_shared_from_this<Socket> {
public:
    /// What all sockets behind one spi::UdpSocket share.
    struct Receiver {
        explicit Receiver(spi::UdpReceiver r) : call(std::move(r)) {}
        std::mutex mutex;  ///< held while the receiver runs
        bool closed = false;
        spi::UdpReceiver call;
    };

    Socket(asio::io_context& loop, UniqueFd fd, const Udp::endpoint& local, std::shared_ptr<Receiver> receiver)
        : local_(local), socket_(loop), receiver_(std::move(receiver)) {
        socket_.assign(local.protocol(), fd.release());
    }

    [[nodiscard]] const Udp::endpoint& local() const noexcept { return local_; }

    void start() {
        asio::post(socket_.get_executor(), [self = shared_from_this()] { self->wait(); });
    }
    void stop() {
        asio::post(socket_.get_executor(), [self = shared_from_this()] {
            error_code ignored;
            self->socket_.close(ignored);
        });
    }

    /// 0 or errno.
    [[nodiscard]] int send(const Udp::endpoint& to, iovec* pieces, std::size_t count) noexcept {
        msghdr message{};
        message.msg_name = const_cast<void*>(static_cast<const void*>(to.data()));
        message.msg_namelen = static_cast<socklen_t>(to.size());
        message.msg_iov = pieces;
        message.msg_iovlen = count;
        for (;;) {
            if (::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
                return 0;
            }
            if (errno != EINTR) {
                return errno;
            }
        }
    }

private:
    void wait() {
        if (!socket_.is_open()) {
            return;
        }
        socket_.async_wait(Udp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
            if (!error) {
                self->read_some();
                self->wait();
            }
        });
    }

    void read_some() {
        for (int i = 0; i < kReadsPerWake; ++i) {
            Udp::endpoint from;
            auto size = static_cast<socklen_t>(from.capacity());
            const ssize_t length =
                ::recvfrom(socket_.native_handle(), buffer_.get(), kReadBuffer, MSG_DONTWAIT, from.data(), &size);
            if (length < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return;  // nothing more; an error belongs to a datagram that is gone
            }
            from.resize(size);
            const std::string ip = from.address().to_string();
            std::lock_guard lock(receiver_->mutex);
            if (receiver_->closed) {
                return;
            }
            receiver_->call({ip, from.port(), {buffer_.get(), static_cast<std::size_t>(length)}});
        }
    }

    const Udp::endpoint local_;
    Udp::socket socket_;
    const std::shared_ptr<Receiver> receiver_;
    const std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kReadBuffer);
};

class BoundSockets final : public spi::UdpSocket {
public:
    BoundSockets(std::vector<std::shared_ptr<Socket>> sockets, std::shared_ptr<Socket::Receiver> receiver)
        : sockets_(std::move(sockets)), receiver_(std::move(receiver)) {
        for (const auto& socket : sockets_) {
            bound_to_ += (bound_to_.empty() ? "" : ",") + display(socket->local());
            socket->start();
        }
    }
    ~BoundSockets() override {
        {
            std::lock_guard lock(receiver_->mutex);
            receiver_->closed = true;
            receiver_->call.reset();
        }
        for (const auto& socket : sockets_) {
            socket->stop();
        }
    }

    [[nodiscard]] const std::string& bound_to() const noexcept override { return bound_to_; }

    spi::Status send_to(std::string_view ip, std::uint16_t port, spi::Pieces data) noexcept override {
        error_code error;
        const asio::ip::address target = plain(asio::ip::make_address(ip, error));
        if (error || port == 0 || target.is_multicast() || target.is_unspecified()) {
            return {spi::Code::kInvalidArgument,
                    "'" + std::string(ip) + "' port " + std::to_string(port) + " is no unicast UDP address"};
        }
        Socket* from = choose(target);
        if (from == nullptr) {
            return {spi::Code::kInvalidArgument, "the node listens on no address of the family of " + std::string(ip)};
        }
        const Udp::endpoint to(target, port);
        const int failure = data.size() <= kPieces ? send_pieces(*from, to, data) : send_joined(*from, to, data);
        if (failure == 0) {
            return {};
        }
        const std::string where = display(to);
        if (failure == EMSGSIZE) {
            return {spi::Code::kTooLarge,
                    std::to_string(spi::total_size(data)) + " bytes for " + where + " are more than a datagram holds"};
        }
        return {spi::Code::kUnavailable, "cannot send to " + where + ": " + std::strerror(failure)};
    }

private:
    [[nodiscard]] Socket* choose(const asio::ip::address& target) const noexcept {
        Socket* chosen = nullptr;
        for (const auto& socket : sockets_) {
            const asio::ip::address local = socket->local().address();
            if (local.is_v6() != target.is_v6()) {
                continue;
            }
            if (local.is_loopback() == target.is_loopback()) {
                return socket.get();
            }
            chosen = socket.get();
        }
        return chosen;
    }

    static int send_pieces(Socket& from, const Udp::endpoint& to, spi::Pieces data) noexcept {
        std::array<iovec, kPieces> parts;
        for (std::size_t i = 0; i < data.size(); ++i) {
            parts[i] = {const_cast<char*>(data[i].text.data()), data[i].text.size()};
        }
        return from.send(to, parts.data(), data.size());
    }

    static int send_joined(Socket& from, const Udp::endpoint& to, spi::Pieces data) {
        std::string text;
        text.reserve(spi::total_size(data));
        for (const spi::Piece& piece : data) {
            text += piece.text;
        }
        iovec whole{text.data(), text.size()};
        return from.send(to, &whole, 1);
    }

    const std::vector<std::shared_ptr<Socket>> sockets_;
    const std::shared_ptr<Socket::Receiver> receiver_;
    std::string bound_to_;
};

}  // namespace

spi::Result<std::unique_ptr<spi::UdpSocket>> UdpSockets::open(std::uint16_t port, spi::UdpReceiver receiver) noexcept {
    auto shared = std::make_shared<Socket::Receiver>(std::move(receiver));
    asio::io_context& loop = io_.next();
    std::vector<std::shared_ptr<Socket>> sockets;
    for (const std::string& address : addresses_) {
        error_code error;
        const Udp::endpoint wanted(asio::ip::make_address(address, error), port);
        if (error) {
            return spi::Status(spi::Code::kInvalidArgument, "'" + address + "' is not an IPv4 or IPv6 address");
        }
        UniqueFd fd(::socket(wanted.protocol().family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (fd.get() < 0) {
            return bind_error(wanted, errno);
        }
        if (wanted.address().is_v6()) {
            set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
        }
        set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, kSystemBuffer);
        set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, kSystemBuffer);
        if (::bind(fd.get(), wanted.data(), static_cast<socklen_t>(wanted.size())) != 0) {
            return bind_error(wanted, errno);
        }
        Udp::endpoint local;
        auto size = static_cast<socklen_t>(local.capacity());
        ::getsockname(fd.get(), local.data(), &size);
        local.resize(size);
        sockets.push_back(std::make_shared<Socket>(loop, std::move(fd), local, shared));
    }
    return std::unique_ptr<spi::UdpSocket>(std::make_unique<BoundSockets>(std::move(sockets), std::move(shared)));
}

}  // namespace pharos::net
