#include "rpc/grpc_transport.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/server_callback.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "rpc/hangup_watcher.hpp"
#include "rpc/sharded_map.hpp"

namespace pharos::rpc {

namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;

/// Address and port of the far end, one form for IPv4 and IPv6. The scope of link-local addresses is left out.
struct PeerKey {
    std::array<unsigned char, 16> address{};
    std::uint16_t port = 0;

    bool operator==(const PeerKey&) const = default;

    void set_ipv4(const void* bytes) noexcept {
        address[10] = address[11] = 0xff;
        std::memcpy(&address[12], bytes, 4);
    }

    static bool of_socket(int fd, PeerKey& key) noexcept {
        sockaddr_storage storage{};
        socklen_t size = sizeof storage;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
            return false;
        }
        if (storage.ss_family == AF_INET) {
            const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
            key.set_ipv4(&v4.sin_addr);
            key.port = ntohs(v4.sin_port);
            return true;
        }
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
        std::memcpy(key.address.data(), &v6.sin6_addr, 16);
        key.port = ntohs(v6.sin6_port);
        return storage.ss_family == AF_INET6;
    }

    /// Reads gRPC's "ipv4:1.2.3.4:5" and "ipv6:%5Bfe80::1%25eth0%5D:5".
    static bool of_uri(const std::string& uri, PeerKey& key) noexcept {
        const std::size_t colon = uri.rfind(':');
        if (colon == std::string::npos || colon < 5 ||
            std::from_chars(uri.data() + colon + 1, uri.data() + uri.size(), key.port).ec != std::errc()) {
            return false;
        }
        char text[64];
        const bool is_v6 = uri.starts_with("ipv6:");
        std::size_t begin = 5;
        std::size_t end = colon;
        if (is_v6) {
            begin += uri.compare(begin, 3, "%5B") == 0 ? 3 : 1;
            end = std::min(uri.find_first_of("%]", begin), colon);
        }
        if (begin >= end || end - begin >= sizeof text) {
            return false;
        }
        std::memcpy(text, uri.data() + begin, end - begin);
        text[end - begin] = '\0';
        if (is_v6) {
            return ::inet_pton(AF_INET6, text, key.address.data()) == 1;
        }
        in_addr v4{};
        if (::inet_pton(AF_INET, text, &v4) != 1) {
            return false;
        }
        key.set_ipv4(&v4);
        return true;
    }
};

struct PeerKeyHash {
    std::size_t operator()(const PeerKey& key) const noexcept {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.address.data()), 16}) * 31 + key.port;
    }
};

/// The bytes of a message, without a copy when it came in one piece.
class FrameView {
public:
    explicit FrameView(const ByteBuffer& message) {
        if (!message.Valid()) {
            return;
        }
        if (!message.TrySingleSlice(&slice_).ok()) {
            [[maybe_unused]] const grpc::Status joined = message.DumpToSingleSlice(&slice_);
        }
    }
    [[nodiscard]] std::string_view bytes() const noexcept {
        return {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
    }

private:
    grpc::Slice slice_;
};

/// Pieces with an owner become slices that share it; what is borrowed, or too small to be worth an owner, is copied.
ByteBuffer to_message(std::string_view head, spi::Pieces body) {
    constexpr std::size_t kWorthSharing = 512;
    std::vector<grpc::Slice> slices;
    slices.reserve(1 + body.size());
    std::string copied(head);
    const auto flush = [&] {
        if (!copied.empty()) {
            slices.emplace_back(copied);
            copied.clear();
        }
    };
    for (const spi::Piece& piece : body) {
        if (piece.owner == nullptr || piece.text.size() < kWorthSharing) {
            copied += piece.text;
            continue;
        }
        flush();
        using Owner = std::shared_ptr<const void>;
        slices.emplace_back(
            const_cast<char*>(piece.text.data()), piece.text.size(),
            [](void* owner) { delete static_cast<Owner*>(owner); }, new Owner(piece.owner));
    }
    flush();
    return {slices.data(), slices.size()};
}

}  // namespace

/// All of it but the class itself is private to this file.
class GrpcTransport::Impl {
public:
    explicit Impl(const GrpcSettings& settings) : settings_(settings) {}

    void start(TransportEvents& events);
    ConnectionNumber adopt(int fd, const Peer& peer);
    spi::Status send(ConnectionNumber number, std::string_view head, spi::Pieces body);
    void close(ConnectionNumber number, std::string_view reason);
    bool stop(spi::Duration patience);

private:
    class Call;
    class Stream;
    struct Tcp;
    struct Listener;
    using TcpPointer = std::shared_ptr<Tcp>;

    /// Made at its first connection. Null: gRPC cannot start a server.
    Listener* listener_of(std::uint16_t local_port);
    TcpPointer find(Listener& listener, const CallbackServerContext& context) const;
    grpc::ServerUnaryReactor* on_call(Listener& listener, CallbackServerContext& context, const ByteBuffer& request,
                                      ByteBuffer& response);
    grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* on_stream(Listener& listener, CallbackServerContext& context);
    void end(Tcp& tcp, std::string_view reason, bool now);
    void forget(ConnectionNumber number);

    const GrpcSettings settings_;
    TransportEvents* events_ = nullptr;
    ShardedMap<ConnectionNumber, Tcp> tcps_;
    std::atomic<ConnectionNumber> last_number_{0};
    std::atomic<std::size_t> unanswered_{0};
    std::mutex mutex_;  ///< of the next two; held by adopt(), so that stop() waits for it
    std::map<std::uint16_t, std::unique_ptr<Listener>> listeners_;
    bool running_ = false;
    std::unique_ptr<HangupWatcher> watcher_;
};

/// One socket. gRPC has it; we have a duplicate of the descriptor to watch it and to shut it down, closed as soon as
/// the socket is down, whoever did that.
struct GrpcTransport::Impl::Tcp {
    Tcp(ConnectionNumber number_, Listener& listener_, const PeerKey& key_, int fd_)
        : number(number_), listener(listener_), key(key_), fd(fd_) {}
    ~Tcp() { release(); }

    /// Both ends see the connection as ended.
    void shut_down() {
        const std::lock_guard lock(mutex);
        if (fd >= 0) {
            ::shutdown(fd, SHUT_RDWR);
        }
    }
    void release() {
        const std::lock_guard lock(mutex);
        if (fd >= 0) {
            ::shutdown(fd, SHUT_RDWR);
            ::close(std::exchange(fd, -1));
        }
    }

    const ConnectionNumber number;
    Listener& listener;
    const PeerKey key;
    std::mutex mutex;  ///< of all below; gRPC's callbacks never run within its calls, so those may be made under it
    int fd;
    bool ended = false;
    bool refused = false;  ///< a frame, since the queue was empty
    bool writing = false;
    Stream* stream = nullptr;  ///< until its Finish
    std::size_t queued_bytes = 0;
    std::list<ByteBuffer> queue;  ///< the first one is being written
};

/// gRPC has one server for each listening port, since a call does not tell which port it came in at.
struct GrpcTransport::Impl::Listener {
    /// Our two methods, registered by hand: names have no package and messages are bytes to gRPC.
    class Methods final : public grpc::Service {
    public:
        Methods(Impl& impl, Listener& listener) {
            using grpc::internal::RpcMethod;
            AddMethod(new grpc::internal::RpcServiceMethod("/Request/request", RpcMethod::NORMAL_RPC, nullptr));
            AddMethod(new grpc::internal::RpcServiceMethod("/BiRequestStream/requestBiStream",
                                                           RpcMethod::BIDI_STREAMING, nullptr));
            MarkMethodRawCallback(0, new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(
                                         [&impl, &listener](CallbackServerContext* context, const ByteBuffer* request,
                                                            ByteBuffer* response) {
                                             return impl.on_call(listener, *context, *request, *response);
                                         }));
            MarkMethodRawCallback(1, new grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>(
                                         [&impl, &listener](CallbackServerContext* context) {
                                             return impl.on_stream(listener, *context);
                                         }));
        }
    };

    explicit Listener(Impl& impl) : methods(impl, *this) {}

    ShardedMap<PeerKey, Tcp, PeerKeyHash> by_peer;
    Methods methods;
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
    std::unique_ptr<grpc::Server> server;
};

/// One unary call. The reactor goes when gRPC is done with it, which is not before its answer.
class GrpcTransport::Impl::Call final : public grpc::ServerUnaryReactor, public UnaryCall {
public:
    Call(Impl& impl, ByteBuffer& response) : impl_(impl), response_(response) {}

    void reply(std::string_view head, spi::Pieces body) noexcept override {
        ByteBuffer message = to_message(head, body);
        response_.Swap(&message);
        std::atomic<std::size_t>& unanswered = impl_.unanswered_;
        Finish(grpc::Status::OK);  // may end this object
        --unanswered;
    }

private:
    void OnDone() override { delete this; }
    /// OnDone is short: no other thread is needed for it.
    bool InternalInlineable() override { return true; }

    Impl& impl_;
    ByteBuffer& response_;
};

/// The bi-directional stream of one connection: one read and at most one write under way.
class GrpcTransport::Impl::Stream final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer> {
public:
    Stream(Impl& impl, TcpPointer tcp) : impl_(impl), tcp_(std::move(tcp)) {
        StartSendInitialMetadata();  // clients may wait for it before they send
        StartRead(&incoming_);
    }

private:
    void OnReadDone(bool ok) override {
        if (!ok) {
            return impl_.end(*tcp_, "stream ended", false);
        }
        {
            const FrameView frame(incoming_);
            impl_.events_->stream_frame(tcp_->number, frame.bytes());
        }
        incoming_.Clear();
        StartRead(&incoming_);
    }

    void OnWriteDone(bool ok) override {
        bool drained = false;
        bool finish = false;
        {
            const std::lock_guard lock(tcp_->mutex);
            tcp_->writing = false;
            tcp_->queued_bytes -= tcp_->queue.front().Length();
            tcp_->queue.pop_front();
            if (tcp_->ended) {  // whoever ended it left the rest to us
                tcp_->queue.clear();
                tcp_->stream = nullptr;
                finish = true;
            } else if (ok && !tcp_->queue.empty()) {
                tcp_->writing = true;
                StartWrite(&tcp_->queue.front());
            } else if (ok) {
                drained = std::exchange(tcp_->refused, false);
            }
        }
        if (finish) {
            Finish(grpc::Status::CANCELLED);
        } else if (!ok) {
            impl_.end(*tcp_, "write failed", true);
        } else if (drained) {
            impl_.events_->writable(tcp_->number);
        }
    }

    void OnCancel() override { impl_.end(*tcp_, "stream cancelled", true); }

    void OnDone() override {
        tcp_->shut_down();  // a connection does not outlive its stream
        delete this;
    }

    Impl& impl_;
    const TcpPointer tcp_;
    ByteBuffer incoming_;
};

void GrpcTransport::Impl::start(TransportEvents& events) {
    events_ = &events;
    watcher_ = std::make_unique<HangupWatcher>([this](std::uint64_t number) { forget(number); });
    const std::lock_guard lock(mutex_);
    running_ = true;
}

GrpcTransport::Impl::Listener* GrpcTransport::Impl::listener_of(std::uint16_t local_port) {
    std::unique_ptr<Listener>& slot = listeners_[local_port];
    if (slot == nullptr) {
        auto listener = std::make_unique<Listener>(*this);
        const auto ms = [](spi::Duration time) { return static_cast<int>(time / std::chrono::milliseconds(1)); };
        grpc::ResourceQuota quota;
        quota.SetMaxThreads(8);
        grpc::ServerBuilder builder;
        builder.SetResourceQuota(quota);
        builder.SetMaxReceiveMessageSize(static_cast<int>(settings_.max_frame));
        builder.SetMaxSendMessageSize(-1);
        builder.SetDefaultCompressionAlgorithm(GRPC_COMPRESS_NONE);
        builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
        builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
        builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, ms(settings_.keepalive));
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(settings_.keepalive_timeout));
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
        builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
        builder.RegisterService(&listener->methods);
        listener->acceptor = builder.experimental().AddExternalConnectionAcceptor(
            grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, grpc::InsecureServerCredentials());
        listener->server = builder.BuildAndStart();
        if (listener->server == nullptr) {
            return nullptr;
        }
        slot = std::move(listener);
    }
    return slot.get();
}

ConnectionNumber GrpcTransport::Impl::adopt(int fd, const Peer& peer) {
    const std::lock_guard lock(mutex_);
    PeerKey key;
    Listener* listener = running_ ? listener_of(peer.local_port) : nullptr;
    const int duplicate = listener == nullptr ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0 || !PeerKey::of_socket(fd, key)) {
        ::close(fd);
        if (duplicate >= 0) {
            ::close(duplicate);
        }
        return 0;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);

    const ConnectionNumber number = ++last_number_;
    auto tcp = std::make_shared<Tcp>(number, *listener, key, duplicate);
    events_->opened(number, peer);
    tcps_.put(number, tcp);
    if (const TcpPointer older = listener->by_peer.put(key, tcp)) {
        end(*older, "its address came back", true);
    }
    if (!watcher_->watch(duplicate, number)) {
        ::close(fd);
        forget(number);
        return 0;
    }
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.fd = fd;
    listener->acceptor->HandleNewConnection(&parameters);
    return number;
}

GrpcTransport::Impl::TcpPointer GrpcTransport::Impl::find(Listener& listener,
                                                          const CallbackServerContext& context) const {
    PeerKey key;
    return PeerKey::of_uri(context.peer(), key) ? listener.by_peer.find(key) : nullptr;
}

grpc::ServerUnaryReactor* GrpcTransport::Impl::on_call(Listener& listener, CallbackServerContext& context,
                                                       const ByteBuffer& request, ByteBuffer& response) {
    auto* call = new Call(*this, response);
    const TcpPointer tcp = find(listener, context);
    if (tcp == nullptr) {
        call->Finish({grpc::StatusCode::UNAVAILABLE, "the connection has ended"});
        return call;
    }
    ++unanswered_;
    const FrameView frame(request);
    events_->unary(tcp->number, frame.bytes(), *call);
    return call;  // gRPC keeps it until this has returned, answered or not
}

grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* GrpcTransport::Impl::on_stream(Listener& listener,
                                                                                CallbackServerContext& context) {
    const TcpPointer tcp = find(listener, context);
    if (tcp == nullptr) {
        return nullptr;
    }
    Stream* stream = nullptr;
    {
        const std::lock_guard lock(tcp->mutex);
        if (tcp->ended || tcp->stream != nullptr) {
            return nullptr;  // UNIMPLEMENTED: a connection has one stream
        }
        stream = tcp->stream = new Stream(*this, tcp);
    }
    events_->stream_opened(tcp->number);
    return stream;  // gRPC keeps it until this has returned, even if it has ended meanwhile
}

spi::Status GrpcTransport::Impl::send(ConnectionNumber number, std::string_view head, spi::Pieces body) {
    const TcpPointer tcp = tcps_.find(number);
    const std::size_t size = head.size() + spi::total_size(body);
    if (tcp != nullptr) {
        const std::lock_guard lock(tcp->mutex);
        if (!tcp->ended && tcp->stream != nullptr) {
            if (!tcp->queue.empty() && (tcp->queued_bytes + size > settings_.max_queued_bytes ||
                                        tcp->queue.size() >= settings_.max_queued_frames)) {
                tcp->refused = true;
                return {spi::Code::kUnavailable, "connection busy"};
            }
            tcp->queue.push_back(to_message(head, body));
            tcp->queued_bytes += size;
            if (!tcp->writing) {
                tcp->writing = true;
                tcp->stream->StartWrite(&tcp->queue.front());
            }
            return {};
        }
    }
    return {spi::Code::kClosed, "no such connection"};
}

/// The first sign of the end. With `now` the socket goes down at once, else after the stream's status.
void GrpcTransport::Impl::end(Tcp& tcp, std::string_view reason, bool now) {
    Stream* finish = nullptr;
    {
        const std::lock_guard lock(tcp.mutex);
        if (std::exchange(tcp.ended, true)) {
            return;
        }
        now |= tcp.writing || tcp.stream == nullptr;
        if (now && tcp.fd >= 0) {
            ::shutdown(tcp.fd, SHUT_RDWR);
        }
        if (!tcp.writing) {  // else its failure finishes the stream
            finish = std::exchange(tcp.stream, nullptr);
        }
    }
    tcp.listener.by_peer.remove(tcp.key, &tcp);
    events_->closed(tcp.number, reason);
    if (finish != nullptr) {
        finish->Finish(now ? grpc::Status::CANCELLED : grpc::Status::OK);
    }
}

/// The socket is down.
void GrpcTransport::Impl::forget(ConnectionNumber number) {
    if (const TcpPointer tcp = tcps_.take(number)) {
        end(*tcp, "hang-up", true);
        tcp->release();
    }
}

void GrpcTransport::Impl::close(ConnectionNumber number, std::string_view reason) {
    if (const TcpPointer tcp = tcps_.find(number)) {
        end(*tcp, reason, true);
    }
}

bool GrpcTransport::Impl::stop(spi::Duration patience) {
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(running_, false)) {
            return true;
        }
    }
    std::vector<TcpPointer> open;
    tcps_.for_each([&open](const TcpPointer& tcp) { open.push_back(tcp); });
    for (const TcpPointer& tcp : open) {
        end(*tcp, "stop", true);
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (unanswered_ != 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const bool all = unanswered_ == 0;
    for (auto& [port, listener] : listeners_) {
        if (all) {
            listener->server->Shutdown(std::chrono::system_clock::now());
            listener->server.reset();
        } else {
            // gRPC would wait for ever for the answers; the process is about to end.
            [[maybe_unused]] const Listener* leaked = listener.release();
        }
    }
    watcher_.reset();
    open.clear();
    tcps_.for_each([](const TcpPointer& tcp) { tcp->release(); });
    return all;
}

GrpcTransport::GrpcTransport(GrpcSettings settings) : impl_(std::make_unique<Impl>(settings)) {}
GrpcTransport::~GrpcTransport() {
    if (!impl_->stop(std::chrono::seconds(5))) {
        [[maybe_unused]] const Impl* leaked = impl_.release();  // calls that are still unanswered refer to it
    }
}

void GrpcTransport::start(TransportEvents& events) { impl_->start(events); }
ConnectionNumber GrpcTransport::adopt(int fd, const Peer& peer) noexcept { return impl_->adopt(fd, peer); }
spi::Status GrpcTransport::send(ConnectionNumber connection, std::string_view head, spi::Pieces body) noexcept {
    return impl_->send(connection, head, body);
}
void GrpcTransport::close(ConnectionNumber connection, std::string_view reason) noexcept {
    impl_->close(connection, reason);
}
bool GrpcTransport::stop(spi::Duration patience) noexcept { return impl_->stop(patience); }

}  // namespace pharos::rpc
