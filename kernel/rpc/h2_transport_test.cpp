#include "rpc/h2_transport.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include "net/accepted_socket.hpp"
#include "rpc/h2_test_client.hpp"
#include "rpc/test_support.hpp"

namespace pharos::rpc {
namespace {

using namespace std::chrono_literals;
using test::frame;
using test::H2Client;
using test::prefixed;
using test::shown;

bool eventually(const std::function<bool()>& condition, spi::Duration patience = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// One end of a socket pair; the transport has the other.
class Socket {
public:
    explicit Socket(H2Transport& transport) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        fd_ = net::UniqueFd(ends[0]);
        number = transport.adopt(ends[1], {"10.1.1.1", 5555, 9848});
    }
    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t size = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size <= 0) {
                return;
            }
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
    }
    /// Something that has come, or nothing at the end or after `patience`.
    std::string read(std::chrono::milliseconds patience = 5s) {
        pollfd poll{fd_.get(), POLLIN, 0};
        std::string buffer(65536, '\0');
        const ssize_t size = ::poll(&poll, 1, static_cast<int>(patience.count())) == 1
                                 ? ::recv(fd_.get(), buffer.data(), buffer.size(), 0)
                                 : -1;
        ended_ = size == 0 || (size < 0 && errno == ECONNRESET);
        buffer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return buffer;
    }
    bool ends() {
        while (!read().empty()) {
        }
        return ended_;
    }
    ConnectionNumber number = 0;

private:
    net::UniqueFd fd_;
    bool ended_ = false;
};

/// A socket with a client.
class TestPeer : public Socket {
public:
    explicit TestPeer(H2Transport& transport, std::uint32_t window = 1 << 24) : Socket(transport), client(window) {}

    /// Until the condition holds or nothing comes any more.
    bool run(const std::function<bool()>& condition) {
        for (;;) {
            write(client.output());
            if (condition()) {
                return true;
            }
            const std::string bytes = read();
            if (bytes.empty() || !client.input(bytes)) {
                return condition();
            }
        }
    }
    std::string call(std::string_view type) {
        const std::int32_t id = client.request(H2Client::kUnary, prefixed(frame(type, "{}")), true);
        run([&] { return client.reply(id).closed; });
        const std::string& data = client.reply(id).data;
        return data.empty() ? "status " + client.status(id) : shown(std::string_view(data).substr(kH2Prefix));
    }
    void join() {
        stream = client.request(H2Client::kStream, prefixed(frame("ConnectionSetupRequest", R"({"abilityTable":{}})")),
                                false);
        EXPECT_TRUE(run([&] { return !client.reply(stream).data.empty(); }));
    }
    H2Client client;
    std::int32_t stream = 0;
};

class H2Test : public testing::Test {
protected:
    explicit H2Test(H2Settings settings = {}) {
        io.start();
        transport.emplace(io, settings);
        server.emplace(executors, metrics, log, filter, *transport, ServerSettings{.server_ip = "127.0.0.1"});
        server->start();
        server->set_ready(true);
        auto added =
            server->add({"EchoRequest", "EchoResponse", {}}, [](const spi::RpcRequest& r, spi::RpcResponder out) {
                const spi::Piece pieces[] = {R"({"resultCode":200,"echo":)", r.body, "}"};
                out.send("EchoResponse", pieces);
            });
        echo = std::move(added.value());
    }
    ~H2Test() override { EXPECT_TRUE(server->stop(5s)); }

    static constexpr const char* kEchoed = R"(EchoResponse {"resultCode":200,"echo":{}})";

    net::IoThreads io{2};
    test::ManualExecutors executors;
    test::TestMetrics metrics;
    test::SilentLog log;
    access::Filter filter;
    std::optional<H2Transport> transport;
    std::optional<Server> server;
    spi::Registration echo;
};

TEST_F(H2Test, CallsAndPushes) {
    TestPeer peer(*transport);
    peer.join();
    EXPECT_EQ(peer.call("EchoRequest"), kEchoed);
    std::atomic<bool> acked{false};
    const std::size_t before = peer.client.reply(peer.stream).data.size();
    server->push(peer.number, {"XRequest", {}}, [&](spi::Result<bool> result) { acked = result.is_ok(); });
    EXPECT_TRUE(peer.run([&] { return peer.client.reply(peer.stream).data.size() > before; }));
    peer.client.write(peer.stream, prefixed(frame("XResponse", R"({"resultCode":200,"requestId":"1"})")));
    peer.write(peer.client.output());
    EXPECT_TRUE(eventually([&] { return acked.load(); }));
}

TEST_F(H2Test, ABadPrefaceClosesTheSocket) {
    Socket socket(*transport);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(socket.ends());
    EXPECT_TRUE(eventually([&] { return server->last_active(socket.number).count() == 0; }));
}

TEST_F(H2Test, AClientThatDoesNotReadHoldsNobodyUp) {
    TestPeer slow(*transport, 0);
    slow.stream = slow.client.request(H2Client::kStream, prefixed(frame("ConnectionSetupRequest", "{}")), false);
    slow.write(slow.client.output());
    ASSERT_TRUE(eventually([&] { return server->find(slow.number) != nullptr; }));
    const auto shared = std::make_shared<const std::string>(R"("x":")" + std::string(500000, 'x') + "\"}");
    const auto refused = std::make_shared<std::atomic<int>>(0);
    for (int i = 0; i < 100; ++i) {
        const spi::Piece members(shared);
        server->push(slow.number, {"BigRequest", {&members, 1}}, [refused](spi::Result<bool> result) {
            *refused += !result && result.error().code() == spi::Code::kUnavailable;
        });
    }
    EXPECT_EQ(*refused, 92) << "4 MiB are queued";
    TestPeer other(*transport);
    other.join();
    EXPECT_EQ(other.call("EchoRequest"), kEchoed);
    slow.client.open_window(slow.stream, 100'000'000);
    ASSERT_TRUE(slow.run([&] { return slow.client.reply(slow.stream).data.size() >= 8 * shared->size(); }))
        << slow.client.reply(slow.stream).data.size();
    EXPECT_TRUE(eventually([&] {
        const auto taken = std::make_shared<std::atomic<bool>>(true);
        server->push(slow.number, {"XRequest", {}}, [taken](spi::Result<bool>) { *taken = false; });
        return taken->load();
    })) << "there is room again";
    EXPECT_TRUE(eventually([&] { return shared.use_count() == 1; }));
}

TEST_F(H2Test, AFullSocketIsWaitedFor) {
    TestPeer peer(*transport);
    std::vector<std::int32_t> ids;
    const std::string body = '"' + std::string(1 << 20, 'x') + '"';
    peer.join();
    for (int i = 0; i < 8; ++i) {
        ids.push_back(peer.client.request(H2Client::kUnary, prefixed(frame("EchoRequest", body)), true));
    }
    EXPECT_TRUE(peer.run([&] {
        return std::all_of(ids.begin(), ids.end(), [&](std::int32_t id) { return peer.client.reply(id).closed; });
    }));
    for (const std::int32_t id : ids) {
        EXPECT_EQ(peer.client.status(id), "0");
        EXPECT_GT(peer.client.reply(id).data.size(), body.size());
    }
}

TEST_F(H2Test, ClosingTellsTheClient) {
    TestPeer peer(*transport);
    peer.join();
    server->close(peer.number, "test");
    EXPECT_TRUE(server->list().empty()) << "told before close() returns";
    EXPECT_TRUE(peer.ends());
    EXPECT_EQ(transport->send(peer.number, "late", {}).code(), spi::Code::kClosed);
}

TEST_F(H2Test, AnswersMayComeAfterTheStop) {
    std::optional<spi::RpcResponder> kept;
    std::mutex mutex;
    auto later = server->add({"LaterRequest", "X", {}}, [&](const spi::RpcRequest&, spi::RpcResponder responder) {
        const std::lock_guard lock(mutex);
        kept.emplace(std::move(responder));
    });
    TestPeer peer(*transport);
    peer.join();
    peer.client.request(H2Client::kUnary, prefixed(frame("LaterRequest", "{}")), true);
    peer.write(peer.client.output());
    ASSERT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return kept.has_value();
    }));
    EXPECT_FALSE(transport->stop(10ms)) << "a call is unanswered";
    EXPECT_EQ(transport->adopt(::open("/dev/null", O_RDONLY), {}), 0u);
    EXPECT_TRUE(peer.ends());
    const std::lock_guard lock(mutex);
    const spi::Piece body("{}");
    kept->send("LaterResponse", {&body, 1});
    kept.reset();
}

TEST_F(H2Test, ThreadsComeAndGo) {
    test::Recorder recorder;
    const auto observing = server->observe(recorder);
    std::vector<std::thread> threads;
    std::atomic<int> told{0};
    std::atomic<bool> pushing{true};
    std::thread pusher([&] {
        while (pushing) {
            for (const spi::ConnectionPtr& connection : server->list()) {
                server->push(connection->number, {"YRequest", {}}, [](spi::Result<bool>) {});
            }
        }
    });
    constexpr int kRounds = 30;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kRounds; ++i) {
                TestPeer peer(*transport);
                peer.join();
                EXPECT_EQ(peer.call("EchoRequest"), kEchoed);
                std::thread closer([&] {
                    if ((i + t) % 2 == 0) {
                        server->close(peer.number, "race");
                    }
                });
                server->push(peer.number, {"XRequest", {}}, [&](spi::Result<bool>) { ++told; });
                peer.call("EchoRequest");
                closer.join();
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    pushing = false;
    pusher.join();
    EXPECT_TRUE(eventually([&] { return recorder.heard().size() == 2u * 4 * kRounds; }));
    executors.advance(10s);
    EXPECT_EQ(told, 4 * kRounds);
    EXPECT_TRUE(server->list().empty());
}

class ImpatientTest : public H2Test {
protected:
    ImpatientTest() : H2Test({.keepalive = 200ms, .keepalive_timeout = 200ms, .preface_timeout = 200ms}) {}
};

TEST_F(ImpatientTest, SilenceBeforeThePrefaceIsNotHeldOpen) {
    Socket socket(*transport);
    socket.write("PRI * HTTP/2.0\r\n");
    EXPECT_TRUE(socket.ends());
}

TEST_F(ImpatientTest, APingIsSentAndItsAnswerMissed) {
    TestPeer peer(*transport);
    peer.join();
    const auto until = std::chrono::steady_clock::now() + 1s;
    EXPECT_TRUE(peer.run([&] { return std::chrono::steady_clock::now() > until; })) << "it answers pings";
    EXPECT_EQ(server->list().size(), 1u);
    EXPECT_TRUE(peer.ends()) << "it does not answer any more";
    EXPECT_TRUE(server->list().empty());
}

class StallTest : public H2Test {
protected:
    StallTest() : H2Test({.stall_timeout = 300ms}) {}
};

TEST_F(StallTest, AClientThatCallsAndDoesNotReadIsEnded) {
    TestPeer peer(*transport, 0);  // never opens a window, and answers all that HTTP/2 itself asks
    peer.stream = peer.client.request(H2Client::kStream, prefixed(frame("ConnectionSetupRequest", "{}")), false);
    peer.write(peer.client.output());
    ASSERT_TRUE(eventually([&] { return server->find(peer.number) != nullptr; }));
    std::string body = '"' + std::string(1000, 'x') + '"';
    const std::int32_t id = peer.client.request(H2Client::kUnary, prefixed(frame("EchoRequest", body)), true);
    peer.write(peer.client.output());
    EXPECT_TRUE(peer.ends());
    EXPECT_TRUE(peer.client.reply(id).data.empty());
    EXPECT_TRUE(server->list().empty());
}

TEST_F(StallTest, AClientThatReadsLittleByLittleIsNot) {
    TestPeer peer(*transport, 0);
    peer.stream = peer.client.request(H2Client::kStream, prefixed(frame("ConnectionSetupRequest", "{}")), false);
    peer.write(peer.client.output());
    ASSERT_TRUE(eventually([&] { return server->find(peer.number) != nullptr; }));
    std::string body = '"' + std::string(1000, 'x') + '"';
    const std::int32_t id = peer.client.request(H2Client::kUnary, prefixed(frame("EchoRequest", body)), true);
    for (int i = 0; i < 9; ++i) {  // three times the limit in all
        peer.client.open_window(id, 50);
        peer.write(peer.client.output());
        peer.client.input(peer.read(100ms));
    }
    peer.client.open_window(id, 10'000);
    EXPECT_TRUE(peer.run([&] { return peer.client.reply(id).closed; }));
    EXPECT_EQ(peer.client.status(id), "0");
}

}  // namespace
}  // namespace pharos::rpc
