#include <atomic>
#include <mutex>
#include <optional>

#include <gmock/gmock.h>

#include "http/test_client.hpp"

namespace pharos::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string kHold = "GET /nacos/hold HTTP/1.1\r\n\r\n";
const std::string kEcho = "GET /nacos/echo HTTP/1.1\r\n\r\n";

/// Replies that handlers keep for later.
class HeldTest : public ServerTest {
protected:
    void run_holding(ServerSettings settings = {}, bool watch = true) {
        add(spi::HttpMethod::kGet, "/hold", [this, watch](const spi::HttpRequest&, spi::HttpResponder responder) {
            if (watch) {
                responder.on_abandoned([this] { ++abandoned; });
            }
            std::lock_guard lock(mutex);
            held.push_back(std::move(responder));
        });
        run(settings);
    }
    bool wait_held(std::size_t count) {
        return eventually([&] {
            std::lock_guard lock(mutex);
            return held.size() >= count;
        });
    }
    void answer(std::string_view text) {
        std::optional<spi::HttpResponder> responder;
        {
            std::lock_guard lock(mutex);
            responder.emplace(std::move(held.front()));
            held.erase(held.begin());
        }
        const spi::Piece body(text);
        responder->send({.body = {&body, 1}});
    }
    ~HeldTest() override {
        stop();
        held.clear();  // responders may outlive the server's end
    }

    std::mutex mutex;
    std::vector<spi::HttpResponder> held;
    std::atomic<int> abandoned{0};
};

TEST_F(HeldTest, AnsweredFromAnotherThread) {
    run_holding();
    TestClient client(port);
    for (int i = 0; i < 20; ++i) {
        client.send(kHold + kEcho);
        ASSERT_TRUE(wait_held(1));
        answer("late");
        EXPECT_EQ("late", body_of(client.reply()));
        EXPECT_EQ("GET /nacos/echo?|", body_of(client.reply())) << "what was pipelined comes after";
    }
    EXPECT_EQ(0, abandoned);
    EXPECT_TRUE(eventually([&] { return server->held() == 0; }));
}

TEST_F(HeldTest, AnsweredFromTheHandlerOfAnother) {
    add(spi::HttpMethod::kGet, "/release", [this](const spi::HttpRequest& request, spi::HttpResponder responder) {
        answer("released");
        echo(request, std::move(responder));
    });
    run_holding();
    std::vector<std::unique_ptr<TestClient>> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(std::make_unique<TestClient>(port));
        clients.back()->send(kHold + kEcho);
    }
    ASSERT_TRUE(wait_held(8));
    TestClient other(port);
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ("GET /nacos/release?|", body_of(other.ask("GET /nacos/release HTTP/1.1\r\n\r\n")));
    }
    for (auto& client : clients) {
        EXPECT_EQ("released", body_of(client->reply()));
        EXPECT_EQ("GET /nacos/echo?|", body_of(client->reply()));
    }
}

TEST_F(HeldTest, AbandonedWhenTheClientGoes) {
    run_holding();
    TestClient client(port);
    client.send(kHold);
    ASSERT_TRUE(wait_held(1));
    client.close();
    EXPECT_TRUE(eventually([&] { return abandoned == 1; }));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0 && server->held() == 0; }));
    answer("nobody there");
    EXPECT_EQ(1, abandoned);
}

TEST_F(HeldTest, HalfClosedClientStillGetsItsReply) {
    run_holding({}, false);
    TestClient client(port);
    client.send(kHold);
    client.half_close();
    ASSERT_TRUE(wait_held(1));
    std::this_thread::sleep_for(20ms);
    answer("late");
    EXPECT_EQ("late", body_of(client.reply()));
    EXPECT_TRUE(client.at_end());
}

TEST_F(HeldTest, LateAbandonTaskRunsWhenTheClientHasGone) {
    run_holding({}, false);
    TestClient client(port);
    client.send(kHold);
    ASSERT_TRUE(wait_held(1));
    client.close();
    std::this_thread::sleep_for(50ms);
    held[0].on_abandoned([this] { ++abandoned; });
    EXPECT_TRUE(eventually([&] { return abandoned == 1; }));
    answer("nobody there");
}

TEST_F(HeldTest, TooManyHeldAreRefused) {
    run_holding({.max_held = 2});
    TestClient a(port);
    TestClient b(port);
    TestClient c(port);
    a.send(kHold);
    b.send(kHold);
    ASSERT_TRUE(eventually([&] { return server->held() == 2; }));
    const std::string refused = c.ask(kHold);
    EXPECT_EQ("503", status_of(refused));
    EXPECT_TRUE(c.at_end());
    TestClient quick(port);  // what is answered at once is not held, and goes on
    EXPECT_EQ("200", status_of(quick.ask(kEcho)));
    answer("x");
    answer("y");
    EXPECT_TRUE(eventually([&] { return server->held() == 0; }));
    EXPECT_EQ("200", status_of(quick.ask(kEcho)));
}

TEST_F(HeldTest, StopLetsRequestsFinish) {
    run_holding();
    TestClient idle(port);
    EXPECT_EQ("200", status_of(idle.ask(kEcho)));
    TestClient client(port);
    client.send(kHold);
    ASSERT_TRUE(wait_held(1));
    std::thread stopper([this] { stop(5s); });
    EXPECT_TRUE(idle.at_end());
    answer("last");
    const std::string reply = client.reply();
    EXPECT_EQ("last", body_of(reply));
    EXPECT_THAT(reply, HasSubstr("Connection: close\r\n"));
    stopper.join();
    EXPECT_EQ(0u, server->connections());
}

TEST_F(HeldTest, RespondersOutliveServerAndThreads) {
    run_holding();
    TestClient client(port);
    client.send(kHold);
    ASSERT_TRUE(wait_held(1));
    stop();
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(1, abandoned);
    server.reset();
    listener.reset();
    io.stop();
    answer("nobody there");
}

TEST_F(HeldTest, AnswersAndDeparturesRace) {
    run_holding();
    for (int i = 0; i < 200; ++i) {
        TestClient client(port);
        client.send(kHold);
        ASSERT_TRUE(wait_held(1));
        std::thread answering([this] { answer("late"); });
        client.close();
        answering.join();
    }
    EXPECT_TRUE(eventually([&] { return server->connections() == 0 && server->held() == 0; }));
}

TEST_F(HeldTest, AReplyThatWasHeldComesAfterTheRestOfTheOneBefore) {
    const std::string piece(32 * 1024, 'p');
    add(spi::HttpMethod::kGet, "/piece", [&piece](const spi::HttpRequest&, spi::HttpResponder responder) {
        const spi::Piece body(piece);
        responder.send({.body = {&body, 1}});
    });
    run_holding();
    const auto unsent = [this] {
        return metrics.exposition().find("pharos_http_unsent_bytes{server=\"http\"} 0\n") == std::string::npos;
    };
    TestClient client(port, 4096);
    int asked = 0;
    while (asked < 2000 && !unsent()) {  // until a piece does not fit into the socket
        ++asked;
        client.send("GET /nacos/piece HTTP/1.1\r\n\r\n" + kHold);
        ASSERT_TRUE(wait_held(1));
        std::this_thread::sleep_for(1ms);  // the piece is written after its batch, which ends with the poll
        answer("late");
    }
    ASSERT_TRUE(unsent());
    for (int i = 0; i < asked; ++i) {
        ASSERT_EQ(piece, body_of(client.reply())) << i << " of " << asked;
        ASSERT_EQ("late", body_of(client.reply())) << i << " of " << asked;
    }
}

TEST_F(HeldTest, RouteEndsWhileCallsRun) {
    run();
    std::atomic<bool> stopping{false};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back([&] {
            TestClient client(port);
            while (!stopping) {
                const std::string status = status_of(client.ask("GET /nacos/come-and-go HTTP/1.1\r\n\r\n"));
                EXPECT_TRUE(status == "200" || status == "404") << status;
            }
        });
    }
    for (int i = 0; i < 200; ++i) {
        auto state = std::make_unique<std::atomic<int>>(i);  // calls come from every io thread
        auto added = router.add({spi::HttpMethod::kGet, "/come-and-go", {spi::Action::kRead, "test"}},
                                [state = state.get()](const spi::HttpRequest&, spi::HttpResponder responder) {
                                    ++*state;
                                    responder.send({});
                                });
        ASSERT_TRUE(added.is_ok());
        std::this_thread::sleep_for(1ms);
        added.value().reset();
        state.reset();
    }
    stopping = true;
    for (auto& client : clients) {
        client.join();
    }
}

}  // namespace
}  // namespace pharos::http
