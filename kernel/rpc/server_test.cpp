#include "rpc/server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "rpc/test_support.hpp"

namespace pharos::rpc {
namespace {

using namespace std::chrono_literals;
using test::error;
using test::Fixture;
using test::frame;
using test::shown;

const std::string kStarting = error(300, "Server is starting,please try later.");
const std::string kUnregistered = error(301, "Connection is unregistered.");
const std::string kNotFound = error(302, "RequestHandler Not Found");

TEST(Unary, ChecksComeInTheOrderOfTheProtocol) {
    struct Case {
        const char* type;
        bool ready;
        bool registered;
        std::string answer;
    };
    const std::string forbidden = error(502, " invoke DistroDataRequest from sdk is forbidden");
    const std::string pong = R"(HealthCheckResponse {"resultCode":200,"errorCode":0,"success":true})";
    const Case cases[] = {
        {"DistroDataRequest", false, false, forbidden},
        {"DistroDataRequest", true, true, forbidden},
        {"ServerCheckRequest", false, false, kStarting},
        {"EchoRequest", false, false, kStarting},
        {"NoSuchRequest", true, false, kNotFound},
        {"NoSuchRequest", true, true, kNotFound},
        {"", true, true, kNotFound},
        {"ConnectionSetupRequest", true, true, kNotFound},
        {"EchoResponse", true, true, kNotFound},
        {"EchoRequest", true, false, kUnregistered},
        {"HealthCheckRequest", true, false, kUnregistered},
        {"HealthCheckRequest", true, true, pong},
        {"EchoRequest", true, true, R"(EchoResponse {"resultCode":200,"echo":{}})"},
    };
    for (const Case& c : cases) {
        Fixture f;
        const auto echo = f.add("EchoRequest");
        const ConnectionNumber number = c.registered ? f.join() : f.connect();
        f.server.set_ready(c.ready);
        EXPECT_EQ(f.call(number, c.type), c.answer) << c.type << c.ready << c.registered;
    }
}

TEST(Unary, ServerCheckIsAnsweredBeforeRegistration) {
    Fixture f;
    const ConnectionNumber number = f.connect();
    EXPECT_EQ(f.call(number, "ServerCheckRequest"),
              R"(ServerCheckResponse {"resultCode":200,"errorCode":0,"connectionId":"1700001000000_10.1.1.1_40001",)"
              R"("supportAbilityNegotiation":true,"success":true})");
}

TEST(Unary, MembersMaySendWhatClientsMayNot) {
    Fixture f;
    const auto report = f.add("MemberReportRequest");
    const ConnectionNumber member = f.connect(Fixture::kClusterPort);
    f.transport.open_stream(member);
    f.transport.stream(member, frame("ConnectionSetupRequest", "{}"));
    EXPECT_EQ(f.call(member, "MemberReportRequest"), R"(EchoResponse {"resultCode":200,"echo":{}})");
}

TEST(Unary, RepliesCarryTheTypeAndNothingElse) {
    Fixture f;
    const auto echo = f.add("EchoRequest");
    const std::string reply = f.transport.call(f.join(), frame("EchoRequest", "[1]"));
    Payload payload;
    ASSERT_TRUE(decode(reply, payload));
    EXPECT_EQ(payload.client_ip, "");
    EXPECT_TRUE(payload.headers().empty());
    EXPECT_EQ(payload.body, R"({"resultCode":200,"echo":[1]})");
}

TEST(Unary, AnUnreadableFrameIsAnswered) {
    Fixture f;
    EXPECT_EQ(shown(f.transport.call(f.join(), "\x12\x7f")), error(502, "Invalid request"));
}

class TokenProvider final : public spi::AuthProvider {
public:
    [[nodiscard]] bool decides_by_resource() const noexcept override { return false; }
    [[nodiscard]] spi::Result<spi::Principal> authenticate(const Identity& identity) const noexcept override {
        if (identity.get("accesstoken") != "secret") {
            return spi::Status(spi::Code::kDenied, "user not found!");
        }
        return spi::Principal{"ann"};
    }
    [[nodiscard]] spi::Status authorize(const spi::Principal&, spi::Action, std::string_view,
                                        const spi::Resource&) const noexcept override {
        return {};
    }
};

TEST(Unary, TheFilterRefusesInTheHandlersOwnType) {
    Fixture f;
    const TokenProvider provider;
    f.filter.use(&provider);
    const auto echo = f.add("EchoRequest");
    const auto open = f.add("OpenRequest", "for the test");
    const ConnectionNumber number = f.join();
    EXPECT_EQ(f.call(number, "EchoRequest"), error(403, "user not found!", "EchoResponse"));
    EXPECT_EQ(f.call(number, "OpenRequest"), R"(EchoResponse {"resultCode":200,"echo":{}})");

    std::string seen;
    const auto who = f.server.add({"WhoRequest", "WhoResponse", {spi::Action::kRead, "test"}},
                                  [&seen](const spi::RpcRequest& request, spi::RpcResponder) {
                                      seen = request.principal->name + ' ' + request.connection->client_ip;
                                  });
    // metadata with type "WhoRequest" and headers["accessToken"] = "secret"
    const std::string with_token(
        "\x12\x23\x1a\x0aWhoRequest\x3a\x15\x0a\x0b"
        "accessToken\x12\x06secret");
    f.transport.call(number, with_token);
    EXPECT_EQ(seen, "ann 10.9.8.7");
}

TEST(Unary, AnswersMayComeLaterAndDroppedOnesAreAnswered) {
    Fixture f;
    std::optional<spi::RpcResponder> kept;
    const auto later = f.server.add({"LaterRequest", "LaterResponse", {}},
                                    [&](const spi::RpcRequest&, spi::RpcResponder r) { kept.emplace(std::move(r)); });
    const auto drop =
        f.server.add({"DropRequest", "DropResponse", {}}, [](const spi::RpcRequest&, spi::RpcResponder) {});
    const auto throws = f.server.add({"ThrowRequest", "ThrowResponse", {}},
                                     [](const spi::RpcRequest&, spi::RpcResponder) { throw std::runtime_error("x"); });
    const ConnectionNumber number = f.join();
    EXPECT_EQ(f.transport.call(number, frame("LaterRequest", "{}")), "");
    f.transport.hang_up(number);
    const spi::Piece body(R"({"resultCode":200})");
    kept->send("LaterResponse", {&body, 1});
    EXPECT_EQ(shown(f.transport.late_replies().at(0)), R"(LaterResponse {"resultCode":200})");

    const ConnectionNumber other = f.join();
    EXPECT_EQ(f.call(other, "DropRequest"), error(500, "The request was dropped."));
    EXPECT_EQ(f.call(other, "ThrowRequest"), error(500, "The request was dropped."));
    EXPECT_EQ(f.metrics.count("pharos_rpc_requests_total type=LaterRequest ok=true"), 1u);
    EXPECT_EQ(f.metrics.count("pharos_rpc_requests_total type=DropRequest ok=false"), 1u);
}

TEST(Unary, ThrottledAnswersWaitASecond) {
    Fixture f;
    const auto busy =
        f.server.add({"BusyRequest", "BusyResponse", {}}, [](const spi::RpcRequest&, spi::RpcResponder r) {
            const spi::Piece body(R"({"resultCode":500,"errorCode":503,"message":"slow down","success":false})");
            r.send("BusyResponse", {&body, 1});
        });
    const ConnectionNumber number = f.join();
    EXPECT_EQ(f.transport.call(number, frame("BusyRequest", "{}")), "");
    f.executors.advance(900ms);
    EXPECT_TRUE(f.transport.late_replies().empty());
    f.executors.advance(200ms);
    EXPECT_EQ(f.transport.late_replies().size(), 1u);

    EXPECT_EQ(f.transport.call(number, frame("BusyRequest", "{}")), "");
    EXPECT_TRUE(f.server.stop(1s)) << "what waits is answered at once";
    EXPECT_EQ(f.transport.late_replies().size(), 2u);
}

TEST(Methods, ATypeHasOneHandlerAndListsItsAccess) {
    Fixture f;
    auto echo = f.add("EchoRequest", "why not");
    for (const char* type : {"EchoRequest", "ServerCheckRequest", "HealthCheckRequest"}) {
        EXPECT_FALSE(f.server.add({type, "X", {}}, [](const spi::RpcRequest&, spi::RpcResponder) {})) << type;
    }
    const auto entries = f.server.entries();
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].what, "EchoRequest");
    EXPECT_EQ(entries[0].anonymous_because, "why not");
    EXPECT_EQ(entries[2].what, "ServerCheckRequest");
    echo.reset();
    EXPECT_EQ(f.call(f.join(), "EchoRequest"), kNotFound);
}

TEST(Methods, RemovalWaitsForCallsUnderWay) {
    Fixture f;
    std::atomic<bool> alive{true};
    std::atomic<bool> used_after{false};
    std::atomic<int> calls{0};
    auto slow = f.server.add({"SlowRequest", "X", {}}, [&](const spi::RpcRequest&, spi::RpcResponder) {
        ++calls;
        std::this_thread::sleep_for(1ms);
        used_after = used_after || !alive;
    });
    std::atomic<bool> done{false};
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) {
        callers.emplace_back([&, number = f.join()] {
            while (!done) {
                f.call(number, "SlowRequest");
            }
        });
    }
    while (calls < 20) {
        std::this_thread::yield();
    }
    slow.value().reset();
    alive = false;
    const int seen = calls;
    std::this_thread::sleep_for(10ms);
    done = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    EXPECT_EQ(calls, seen);
    EXPECT_FALSE(used_after);
}

TEST(Connections, ObserversHearEachEndOnceAndInOrder) {
    Fixture f;
    test::Recorder recorder;
    auto observing = f.server.observe(recorder);
    const ConnectionNumber never_registered = f.connect();
    const ConnectionNumber one = f.join();
    f.transport.hang_up(never_registered);
    f.server.close(one, "test");
    f.server.close(one, "test");
    EXPECT_EQ(recorder.heard(), (std::vector<std::string>{"+2", "-2"}));
    observing.reset();
    f.transport.hang_up(f.join());
    EXPECT_EQ(recorder.heard().size(), 2u);
}

TEST(Connections, AnObserverMayCloseWhatItHearsOf) {
    struct Refuser final : spi::ConnectionObserver {
        explicit Refuser(Server& s) : server(s) {}
        void on_registered(const spi::ConnectionPtr& c) noexcept override { server.close(c->number, "unwanted"); }
        void on_closed(const spi::ConnectionPtr&) noexcept override { ++ended; }
        Server& server;
        int ended = 0;
    };
    Fixture f;
    Refuser refuser(f.server);
    const auto observing = f.server.observe(refuser);
    const ConnectionNumber number = f.join(R"({"abilityTable":{}})");
    EXPECT_EQ(refuser.ended, 1);
    EXPECT_FALSE(f.transport.is_open(number));
}

TEST(Connections, AnEndIsToldAfterTheHandlersUnderWay) {
    Fixture f;
    test::Recorder recorder;
    const auto observing = f.server.observe(recorder);
    std::size_t heard_in_handler = 0;
    const auto closes = f.server.add({"CloseRequest", "X", {}}, [&](const spi::RpcRequest& request, spi::RpcResponder) {
        f.server.close(request.connection->number, "from a handler");
        heard_in_handler = recorder.heard().size();
    });
    const ConnectionNumber number = f.join();
    f.call(number, "CloseRequest");
    EXPECT_EQ(heard_in_handler, 1u);
    EXPECT_EQ(recorder.heard(), (std::vector<std::string>{"+1", "-1"}));
    EXPECT_EQ(f.call(number, "CloseRequest"), kUnregistered);
}

TEST(Connections, ALateEndOfAnOlderOneTouchesNothing) {
    Fixture f;
    const Peer peer{"10.1.1.1", 5000, Fixture::kSdkPort};
    const ConnectionNumber older = f.transport.connect(peer);
    f.transport.hang_up(older);
    const ConnectionNumber newer = f.transport.connect(peer);
    EXPECT_NE(older, newer);
    f.transport.open_stream(newer);
    f.transport.stream(newer, frame("ConnectionSetupRequest", "{}"));
    f.transport.stream(older, frame("ConnectionSetupRequest", "{}"));
    f.transport.hang_up(older);
    f.server.close(older, "late");
    EXPECT_NE(f.server.find(newer), nullptr);
    EXPECT_EQ(f.call(newer, "HealthCheckRequest").substr(0, 19), "HealthCheckResponse");
}

TEST(Connections, ThreadsComeAndGo) {
    Fixture f;
    test::Recorder recorder;
    const auto observing = f.server.observe(recorder);
    const auto echo = f.add("EchoRequest");
    std::vector<std::thread> threads;
    std::atomic<int> answered{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 100; ++i) {
                const Peer peer{"10.2.2.2", static_cast<std::uint16_t>(t * 1000 + i), Fixture::kSdkPort};
                const ConnectionNumber number = f.transport.connect(peer);
                f.transport.open_stream(number);
                std::thread closer([&] { f.server.close(number, "race"); });
                f.transport.stream(number, frame("ConnectionSetupRequest", R"({"abilityTable":{}})"));
                f.server.push(number, {"XRequest", {}}, [&](spi::Result<bool>) { ++answered; });
                f.call(number, "EchoRequest");
                closer.join();
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    f.executors.advance(10s);
    EXPECT_EQ(answered, 400);
    EXPECT_TRUE(f.server.list().empty());
    const std::vector<std::string> heard = recorder.heard();
    const auto begun = std::count_if(heard.begin(), heard.end(), [](const auto& h) { return h[0] == '+'; });
    EXPECT_EQ(heard.size(), static_cast<std::size_t>(begun) * 2);
}

}  // namespace
}  // namespace pharos::rpc
