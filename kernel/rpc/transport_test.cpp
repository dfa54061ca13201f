// The same cases over every transport, with a real gRPC client.

#include <arpa/inet.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <thread>

#include "net/io_threads.hpp"
#include "rpc/grpc_transport.hpp"
#include "rpc/h2_transport.hpp"
#include "rpc/test_support.hpp"

namespace pharos::rpc {
namespace {

using namespace std::chrono_literals;
using test::frame;
using test::shown;

bool eventually(const std::function<bool()>& condition, spi::Duration patience = 5s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// Accepts on a loopback port and hands every socket to the transport, as the kernel's listeners do.
class Acceptor {
public:
    /// With IPv6 on ::1, where IPv4 addresses would be mapped ones.
    explicit Acceptor(Transport& transport, int family = AF_INET)
        : transport_(transport), fd_(::socket(family, SOCK_STREAM, 0)) {
        sockaddr_in6 address{};
        address.sin6_family = static_cast<sa_family_t>(family);
        address.sin6_addr = in6addr_loopback;
        if (family == AF_INET) {
            reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
        socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof address;
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(fd_, 16) == 0) {
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
            port = ntohs(address.sin6_port);  // at the same place in both
            thread_ = std::thread([this] { loop(); });
        }
    }
    ~Acceptor() {
        ::shutdown(fd_, SHUT_RDWR);
        if (thread_.joinable()) {
            thread_.join();
        }
        ::close(fd_);
    }

    std::uint16_t port = 0;  ///< 0: the address cannot be used on this machine
    std::atomic<ConnectionNumber> last{0};

private:
    void loop() {
        for (;;) {
            sockaddr_in6 peer{};
            socklen_t size = sizeof peer;
            const int fd = ::accept(fd_, reinterpret_cast<sockaddr*>(&peer), &size);
            if (fd < 0) {
                return;
            }
            last = transport_.adopt(fd, {"127.0.0.1", ntohs(peer.sin6_port), port});
        }
    }
    Transport& transport_;
    int fd_;
    std::thread thread_;
};

grpc::ByteBuffer bytes(const std::string& text) {
    const grpc::Slice slice(text);
    return {&slice, 1};
}

std::string text(const grpc::ByteBuffer& buffer) {
    grpc::Slice slice;
    return buffer.DumpToSingleSlice(&slice).ok() ? std::string(slice.begin(), slice.end()) : std::string();
}

/// A client with a channel, thus a TCP connection, of its own.
class Client {
public:
    explicit Client(std::uint16_t port, const std::string& host = "127.0.0.1") {
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        arguments.SetMaxSendMessageSize(-1);
        arguments.SetMaxReceiveMessageSize(-1);
        channel_ =
            grpc::CreateCustomChannel(host + ':' + std::to_string(port), grpc::InsecureChannelCredentials(), arguments);
        stub_ = std::make_unique<grpc::GenericStub>(channel_);
    }
    ~Client() {
        if (stream_) {
            context_.TryCancel();
            stream_.reset();
        }
        queue_.Shutdown();
        void* tag = nullptr;
        bool ok = false;
        while (queue_.Next(&tag, &ok)) {
        }
    }

    grpc::Status call(const std::string& request, std::string& reply, const char* method = "/Request/request") {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + 10s);
        grpc::CompletionQueue queue;
        auto rpc = stub_->PrepareUnaryCall(&context, method, bytes(request), &queue);
        rpc->StartCall();
        grpc::ByteBuffer response;
        grpc::Status status;
        rpc->Finish(&response, &status, &rpc);
        void* tag = nullptr;
        bool ok = false;
        queue.Next(&tag, &ok);
        reply = text(response);
        return status;
    }
    std::string call(std::string_view type) {
        std::string reply;
        const grpc::Status status = call(frame(type, "{}"), reply);
        return status.ok() ? shown(reply) : status.error_message();
    }

    bool open() {
        stream_ = stub_->PrepareCall(&context_, "/BiRequestStream/requestBiStream", &queue_);
        stream_->StartCall(this);
        return wait();
    }
    bool write(const std::string& message) {
        stream_->Write(bytes(message), this);
        return wait();
    }
    std::string read() {
        grpc::ByteBuffer message;
        stream_->Read(&message, this);
        return wait() ? text(message) : "ended";
    }
    bool half_close() {
        stream_->WritesDone(this);
        return wait();
    }

private:
    bool wait() {
        void* tag = nullptr;
        bool ok = false;
        return queue_.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + 10s) ==
                   grpc::CompletionQueue::GOT_EVENT &&
               ok;
    }

    std::shared_ptr<grpc::Channel> channel_;
    std::unique_ptr<grpc::GenericStub> stub_;
    grpc::ClientContext context_;
    grpc::CompletionQueue queue_;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

/// A transport with the threads that it needs.
class AnyTransport {
public:
    explicit AnyTransport(const std::string& name) {
        if (name == "grpc") {
            transport_ = std::make_unique<GrpcTransport>();
            return;
        }
        io_.emplace(2);
        io_->start();
        transport_ = std::make_unique<H2Transport>(*io_);
    }
    operator Transport&() { return *transport_; }

private:
    std::optional<net::IoThreads> io_;
    std::unique_ptr<Transport> transport_;
};

class TransportTest : public testing::TestWithParam<const char*> {
protected:
    TransportTest() {
        server.start();
        server.set_ready(true);
        acceptor.emplace(transport);
        auto added =
            server.add({"EchoRequest", "EchoResponse", {}}, [](const spi::RpcRequest& r, spi::RpcResponder out) {
                const spi::Piece pieces[] = {R"({"resultCode":200,"echo":)", r.body, "}"};
                out.send("EchoResponse", pieces);
            });
        echo = std::move(added.value());
    }
    ~TransportTest() override {
        acceptor.reset();
        EXPECT_TRUE(server.stop(5s));
    }

    /// Opens the stream and registers.
    void join(Client& client) {
        ASSERT_TRUE(client.open());
        ASSERT_TRUE(client.write(frame("ConnectionSetupRequest", R"({"abilityTable":{}})")));
        ASSERT_EQ(shown(client.read()).substr(0, 15), "SetupAckRequest");
    }
    ConnectionNumber only() { return server.list().at(0)->number; }

    test::ManualExecutors executors;
    test::TestMetrics metrics;
    test::SilentLog log;
    access::Filter filter;
    AnyTransport transport{GetParam()};
    Server server{executors, metrics, log, filter, transport, {.server_ip = "127.0.0.1"}};
    spi::Registration echo;
    std::optional<Acceptor> acceptor;
};

TEST_P(TransportTest, CallsAndStreamShareAConnection) {
    Client client(acceptor->port);
    EXPECT_EQ(client.call("ServerCheckRequest").substr(0, 19), "ServerCheckResponse");
    EXPECT_EQ(client.call("EchoRequest"), test::error(301, "Connection is unregistered."));
    join(client);
    EXPECT_EQ(client.call("EchoRequest"), R"(EchoResponse {"resultCode":200,"echo":{}})");
    EXPECT_EQ(server.list().size(), 1u);
    Client other(acceptor->port);
    EXPECT_EQ(other.call("EchoRequest"), test::error(301, "Connection is unregistered."));
}

TEST_P(TransportTest, SpeaksIpv6) {
    Acceptor ipv6(transport, AF_INET6);
    if (ipv6.port == 0) {
        GTEST_SKIP() << "no IPv6 loopback here";
    }
    Client client(ipv6.port, "[::1]");
    join(client);
    EXPECT_EQ(client.call("EchoRequest"), R"(EchoResponse {"resultCode":200,"echo":{}})");
    EXPECT_EQ(server.list().at(0)->local_port, ipv6.port);
}

TEST_P(TransportTest, PushesAreWrittenInOrderAndAcked) {
    Client client(acceptor->port);
    join(client);
    const auto shared = std::make_shared<const std::string>(R"("text":")" + std::string(100000, 'x') + "\"}");
    std::atomic<int> acked{0};
    for (int i = 1; i <= 20; ++i) {
        const spi::Piece members(shared);
        server.push(only(), {"BigRequest", {&members, 1}}, [&](spi::Result<bool> result) { acked += result.is_ok(); });
    }
    for (int i = 1; i <= 20; ++i) {
        const std::string id = "\"" + std::to_string(i) + "\"";
        EXPECT_EQ(shown(client.read()), R"(BigRequest {"headers":{},"requestId":)" + id + "," + *shared);
        ASSERT_TRUE(client.write(frame("BigResponse", R"({"resultCode":200,"requestId":)" + id + "}")));
    }
    EXPECT_TRUE(eventually([&] { return acked == 20; }));
    EXPECT_TRUE(eventually([&] { return shared.use_count() == 1; })) << "frames are let go";
}

TEST_P(TransportTest, AKilledClientIsNoticedAtOnce) {
    test::Recorder recorder;
    const auto observing = server.observe(recorder);
    auto client = std::make_unique<Client>(acceptor->port);
    join(*client);
    client.reset();
    EXPECT_TRUE(eventually([&] { return recorder.heard().size() == 2; }, 100ms));
    EXPECT_TRUE(server.list().empty());
}

TEST_P(TransportTest, AHangUpWithoutAStreamIsNoticedAtOnce) {
    auto client = std::make_unique<Client>(acceptor->port);
    client->call("ServerCheckRequest");
    const ConnectionNumber number = acceptor->last;
    EXPECT_GT(server.last_active(number).count(), 0);
    client.reset();
    EXPECT_TRUE(eventually([&] { return server.last_active(number).count() == 0; }, 100ms));
}

TEST_P(TransportTest, AHalfClosedStreamEndsTheConnection) {
    Client client(acceptor->port);
    join(client);
    ASSERT_TRUE(client.half_close());
    EXPECT_EQ(client.read(), "ended");
    EXPECT_TRUE(eventually([&] { return server.list().empty(); }));
}

TEST_P(TransportTest, TheServerCanCloseAConnection) {
    Client client(acceptor->port);
    join(client);
    server.close(only(), "test");
    EXPECT_TRUE(server.list().empty());
    EXPECT_EQ(client.read(), "ended");
}

TEST_P(TransportTest, TooLargeAndUnknownCallsGetAStatus) {
    Client client(acceptor->port);
    join(client);
    std::string reply;
    EXPECT_EQ(client.call(frame("EchoRequest", std::string(11 << 20, ' ')), reply).error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_TRUE(client.call(frame("EchoRequest", '"' + std::string(9 << 20, 'x') + '"'), reply).ok());
    EXPECT_GT(reply.size(), 9u << 20);
    EXPECT_EQ(client.call("", reply, "/RequestStream/requestStream").error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_P(TransportTest, ASlowReaderIsBounded) {
    Client client(acceptor->port);
    join(client);
    const auto shared = std::make_shared<const std::string>(R"("x":")" + std::string(500000, 'x') + "\"}");
    const auto refused = std::make_shared<std::atomic<int>>(0);  // what still waits ends after this test
    for (int i = 0; i < 100; ++i) {
        const spi::Piece members(shared);
        server.push(only(), {"BigRequest", {&members, 1}}, [refused](spi::Result<bool> result) {
            *refused += !result && result.error().code() == spi::Code::kUnavailable;
        });
    }
    EXPECT_GT(*refused, 50);
    for (int i = *refused; i < 100; ++i) {
        ASSERT_EQ(shown(client.read()).substr(0, 10), "BigRequest");
    }
    EXPECT_TRUE(eventually([&] {
        const spi::Piece members(shared);
        const auto taken = std::make_shared<std::atomic<bool>>(true);
        server.push(only(), {"BigRequest", {&members, 1}}, [taken](spi::Result<bool>) { *taken = false; });
        return taken->load();
    })) << "once read, there is room again";
}

TEST_P(TransportTest, AnswersMayComeFromAnotherThreadAfterTheClientLeft) {
    std::optional<spi::RpcResponder> kept;
    std::mutex mutex;
    const auto later = server.add({"LaterRequest", "X", {}}, [&](const spi::RpcRequest&, spi::RpcResponder responder) {
        const std::lock_guard lock(mutex);
        kept.emplace(std::move(responder));
    });
    const auto has_it = [&] {
        const std::lock_guard lock(mutex);
        return kept.has_value();
    };
    const spi::Piece body(R"({"resultCode":200})");
    auto client = std::make_unique<Client>(acceptor->port);
    join(*client);
    std::thread answers([&] {
        EXPECT_TRUE(eventually(has_it));
        kept->send("LaterResponse", {&body, 1});
    });
    EXPECT_EQ(client->call("LaterRequest"), R"(LaterResponse {"resultCode":200})");
    answers.join();
    kept.reset();
    std::thread waits([&] { client->call("LaterRequest"); });
    EXPECT_TRUE(eventually(has_it));
    server.close(only(), "test");
    waits.join();
    kept->send("LaterResponse", {&body, 1});
    kept.reset();
}

INSTANTIATE_TEST_SUITE_P(All, TransportTest, testing::Values("grpc", "h2"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace pharos::rpc
