#include "rpc/h2_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <optional>

#include "rpc/h2_test_client.hpp"

namespace pharos::rpc {
namespace {

using test::H2Client;
using test::prefixed;

std::string bytes_of(H2Chain chain) {
    std::string all;
    while (!chain.empty()) {
        iovec entries[3];
        const std::size_t count = chain.view(entries);
        for (std::size_t i = 0; i < count; ++i) {
            all.append(static_cast<const char*>(entries[i].iov_base), entries[i].iov_len);
            chain.drop(entries[i].iov_len);
        }
    }
    return all;
}

H2Chain message(std::string_view text) {
    H2Chain chain;
    chain.copy(prefixed(text));
    return chain;
}

std::string gzip(std::string_view text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    std::string packed(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

/// A client and a session joined in memory. The session's side answers "re:" and the request.
class SessionTest : public testing::Test, public H2Session::Events {
protected:
    void connect(std::uint32_t window = 1 << 24) {
        client.emplace(window);
        session.emplace(limits, *this);
    }
    /// Everything under way goes over, in pieces of `step` bytes.
    void run(std::size_t step = 1 << 20) {
        for (bool moved = true; moved;) {
            const std::string up = client->output();
            for (std::size_t at = 0; at < up.size(); at += step) {
                session->receive(std::string_view(up).substr(at, step));
            }
            H2Chain out;
            session->produce(out, 1 << 16);
            moved = !up.empty() || !out.empty();
            ASSERT_TRUE(client->input(bytes_of(out)));
        }
    }
    std::string call(std::string body, const H2Client::Headers& more = {}) {
        const std::int32_t id = client->request(H2Client::kUnary, std::move(body), true, more);
        run();
        return client->status(id) + ' ' + client->reply(id).data;
    }

    H2Limits limits;
    std::optional<H2Client> client;
    std::optional<H2Session> session;
    std::vector<std::string> heard;
    std::vector<H2Limit> exceeded;
    bool answers = true;

private:
    void on_call(std::int32_t stream, std::string_view frame) override {
        heard.emplace_back(frame);
        if (answers) {
            session->reply(stream, message("re:" + std::string(frame)));
        }
    }
    void on_stream_opened() override { heard.emplace_back("opened"); }
    void on_stream_frame(std::string_view frame) override { heard.push_back("<" + std::string(frame)); }
    void on_limit(H2Limit limit) override { exceeded.push_back(limit); }
};

TEST_F(SessionTest, MessagesMayBeCutAtEveryByte) {
    for (std::size_t step : {1, 2, 3, 7, 64}) {
        connect();
        heard.clear();
        const std::int32_t call = client->request(H2Client::kUnary, prefixed("hello"), true);
        const std::int32_t stream = client->request(H2Client::kStream, prefixed("one") + prefixed(""), false);
        run(step);
        for (const char c : prefixed("two") + prefixed("three")) {  // a DATA frame for each byte
            client->write(stream, {&c, 1});
            run(step);
        }
        EXPECT_EQ(heard, (std::vector<std::string>{"opened", "hello", "<one", "<", "<two", "<three"}));
        EXPECT_EQ(client->reply(call).data, prefixed("re:hello"));
        EXPECT_EQ(client->status(call), "0");
        EXPECT_EQ(session->end_reason(), "");
    }
}

TEST_F(SessionTest, AUnaryCallHasOneMessage) {
    connect();
    EXPECT_EQ(call(prefixed("a") + prefixed("b")), "13 ");
    EXPECT_EQ(call(""), "13 ");
    EXPECT_EQ(call(prefixed("cut").substr(0, 7)), "13 ");
    EXPECT_TRUE(heard.empty());
    const std::int32_t id = client->request(H2Client::kUnary, prefixed("a"), false);
    run();
    EXPECT_TRUE(heard.empty()) << "the end has not come";
    client->write(id, "", true);
    run();
    EXPECT_EQ(client->reply(id).data, prefixed("re:a"));
    EXPECT_TRUE(client->reply(id).closed);
}

TEST_F(SessionTest, WhatIsNotOursIsRefused) {
    connect();
    const auto status = [&](const char* path, const char* type, const char* method) {
        const std::int32_t id = client->request(path, prefixed("x"), true, {}, type, method);
        run();
        EXPECT_TRUE(client->reply(id).closed);
        return client->status(id);
    };
    EXPECT_EQ(status("/RequestStream/requestStream", "application/grpc", "POST"), "12");
    EXPECT_EQ(status(H2Client::kUnary, "application/json", "POST"), "http 415");
    EXPECT_EQ(status(H2Client::kUnary, "application/grpc-web", "POST"), "http 415");
    EXPECT_EQ(status(H2Client::kUnary, "application/grpc", "PUT"), "http 405");
    EXPECT_TRUE(heard.empty());
    EXPECT_EQ(status(H2Client::kUnary, "application/grpc+proto", "POST"), "0");
    client->request(H2Client::kStream, "", false);
    EXPECT_EQ(status(H2Client::kStream, "application/grpc", "POST"), "12") << "a connection has one stream";
    EXPECT_EQ(session->end_reason(), "");
}

TEST_F(SessionTest, LargeMessages) {
    limits.max_frame = 10 << 20;
    connect();
    const std::string large(limits.max_frame, 'x');
    EXPECT_EQ(call(prefixed(large)), "0 " + prefixed("re:" + large));
    const std::int32_t id = client->request(H2Client::kUnary, h2_prefix(limits.max_frame + 1) + "…", false);
    run();
    EXPECT_EQ(client->status(id), "8");
    EXPECT_EQ(client->reply(id).headers["grpc-message"],
              "gRPC message exceeds maximum size 10485760: 10485761 (rpc.max_frame)");
    EXPECT_TRUE(client->reply(id).closed) << "the client is told to stop";
    EXPECT_EQ(session->end_reason(), "");
}

TEST_F(SessionTest, WhatIsBeingAssembledIsBounded) {
    limits.max_frame = 1 << 20;
    limits.max_assembling = 4 << 20;
    connect();
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 8; ++i) {
        ids.push_back(client->request(H2Client::kUnary, prefixed(std::string(1 << 20, 'x')).substr(0, 1 << 20), false));
        run();
    }
    EXPECT_EQ(client->status(ids[0]), "http ");
    EXPECT_EQ(client->status(ids[7]), "8");
    client->reset(ids[0]);
    client->reset(ids[1]);
    run();
    EXPECT_EQ(call(prefixed(std::string(900'000, 'x'))).substr(0, 2), "0 ") << "there is room again";
}

TEST_F(SessionTest, Gzip) {
    limits.max_frame = 100'000;
    connect();
    const H2Client::Headers packed{{"grpc-encoding", "gzip"}};
    EXPECT_EQ(call(prefixed(gzip("hello"), true), packed), "0 " + prefixed("re:hello"));
    EXPECT_EQ(call(prefixed("hello"), packed), "0 " + prefixed("re:hello")) << "each message may be plain";
    EXPECT_EQ(call(prefixed(gzip("hello"), true)), "12 ");
    EXPECT_EQ(call(prefixed("hello", true), packed), "13 ");
    EXPECT_EQ(call(prefixed(gzip(std::string(100'001, ' ')), true), packed), "13 ") << "a bomb";
    EXPECT_EQ(client->reply(1).headers["grpc-accept-encoding"], "identity,gzip");
}

TEST_F(SessionTest, AClosedWindowHoldsPushesBack) {
    connect(0);
    const std::int32_t stream = client->request(H2Client::kStream, "", false);
    run();
    const auto shared = std::make_shared<const std::string>(100'000, 'x');
    H2Chain push;
    push.copy(h2_prefix(shared->size()));
    push.add(spi::Piece(shared));
    session->push(std::move(push));
    session->push(message("second"));
    run();
    EXPECT_EQ(client->reply(stream).data, "");
    EXPECT_EQ(session->take_sent().frames, 0u);
    client->open_window(stream, 60'000);
    run();
    EXPECT_EQ(client->reply(stream).data.size(), 60'000u);
    EXPECT_EQ(session->take_sent().bytes, 60'000u);
    client->open_window(stream, 60'000);
    run();
    EXPECT_EQ(client->reply(stream).data, prefixed(*shared) + prefixed("second"));
    EXPECT_EQ(session->take_sent().frames, 2u);
    EXPECT_EQ(shared.use_count(), 1);
}

TEST_F(SessionTest, AnswersThatNobodyReadsAreBounded) {
    limits.max_unsent_replies = 1'000'000;
    connect(0);
    for (int i = 0; i < 15; ++i) {
        client->request(H2Client::kUnary, prefixed(std::string(100'000, 'x')), true);
    }
    run();
    EXPECT_EQ(session->end_reason(),
              "the client does not read its answers: more than 1000000 bytes wait for it (rpc.max_unsent)");
}

TEST_F(SessionTest, TheEndOfTheStreamIsTheEnd) {
    connect();
    const std::int32_t stream = client->request(H2Client::kStream, prefixed("a"), false);
    run();
    session->push(message("last"));
    client->write(stream, prefixed("b"), true);
    run();
    EXPECT_EQ(heard, (std::vector<std::string>{"opened", "<a", "<b"}));
    EXPECT_EQ(client->reply(stream).data, prefixed("last"));
    EXPECT_EQ(client->status(stream), "0");
    EXPECT_EQ(session->end_reason(), "stream ended");

    connect();
    client->reset(client->request(H2Client::kStream, prefixed("a"), false));
    run();
    EXPECT_EQ(session->end_reason(), "");  // nghttp2's client does not even send it
    const std::int32_t cancelled = client->request(H2Client::kStream, prefixed("a"), false);
    run();
    client->reset(cancelled);
    run();
    EXPECT_EQ(session->end_reason(), "stream cancelled");
}

TEST_F(SessionTest, AnswersToResetStreamsAreDropped) {
    answers = false;
    connect();
    const std::int32_t id = client->request(H2Client::kUnary, prefixed("a"), true);
    run();
    client->reset(id);
    run();
    session->reply(id, message("late"));
    session->reply(12345, message("never asked"));
    answers = true;
    EXPECT_EQ(call(prefixed("b")), "0 " + prefixed("re:b"));
}

TEST_F(SessionTest, FloodsEndTheSession) {
    limits.max_resets = 100;
    answers = false;
    connect();
    for (int i = 0; i < 300 && session->end_reason().empty(); ++i) {
        const std::int32_t id = client->request(H2Client::kUnary, prefixed("a"), true);
        run();
        client->reset(id);
        run();
    }
    EXPECT_EQ(session->end_reason(), "more than 100 streams were reset or refused (rpc.max_resets)");
    EXPECT_LE(heard.size(), 102u);
    EXPECT_THAT(exceeded, testing::ElementsAre(H2Limit::kResets));

    connect();
    run();
    std::string pings;
    for (int i = 0; i < 20'000; ++i) {
        client->ping();
    }
    session->receive(client->output());
    EXPECT_NE(session->end_reason(), "") << "answers to pings are not heaped up";

    connect();
    for (int i = 0; i < 2'000; ++i) {  // however many, if it reads the answers
        client->ping();
        run();
    }
    EXPECT_EQ(session->end_reason(), "");
}

TEST_F(SessionTest, FramesThatBringNothingAreBounded) {
    limits.max_control_frames = 100;
    connect();
    for (int i = 0; i < 200 && session->end_reason().empty(); ++i) {
        client->ping();
        run();
    }
    EXPECT_EQ(session->end_reason(), "more than 100 frames in a few seconds bring nothing (rpc.max_control_frames)");
    EXPECT_THAT(exceeded, testing::ElementsAre(H2Limit::kControlFrames));

    session->go_away();
    H2Chain out;
    session->produce(out, 1 << 16);
    EXPECT_THAT(bytes_of(std::move(out)), testing::HasSubstr("(rpc.max_control_frames)")) << "GOAWAY tells why";

    connect();
    const std::int32_t id = client->request(H2Client::kUnary, "", false);
    run();
    const char empty_data[] = {0, 0, 0, 0, 0, 0, 0, 0, static_cast<char>(id)};
    for (int i = 0; i < 200 && session->end_reason().empty(); ++i) {
        session->receive({empty_data, sizeof empty_data});
    }
    EXPECT_THAT(session->end_reason(), testing::HasSubstr("(rpc.max_control_frames)"));
}

TEST_F(SessionTest, FramesThatGoWithMessagesAreNotCounted) {
    limits.max_control_frames = 100;
    connect();
    for (int i = 0; i < 500; ++i) {  // as clients do that measure the line
        client->ping();
        client->ping();
        ASSERT_EQ(call(prefixed("a")).substr(0, 2), "0 ") << i << ' ' << session->end_reason();
    }
    EXPECT_EQ(session->end_reason(), "");
    for (int i = 0; i < 500; ++i) {
        if (i % 90 == 0) {
            session->relax();  // time passes
        }
        client->ping();
        run();
    }
    EXPECT_EQ(session->end_reason(), "");
}

TEST_F(SessionTest, NonsenseEndsTheSession) {
    connect();
    session->receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(session->end_reason(), "");
    EXPECT_FALSE(session->greeted());

    connect();
    session->receive(client->output());
    EXPECT_TRUE(session->greeted());
    session->receive(
        std::string("\x00\x00\x04\x00\x00\x00\x00\x00\x00"
                    "abcd",
                    13));  // DATA on stream 0
    H2Chain out;
    session->produce(out, 1 << 16);
    EXPECT_NE(session->end_reason(), "");
    EXPECT_GT(out.size(), 17u) << "GOAWAY tells why";
}

TEST_F(SessionTest, HeadersAreBounded) {
    limits.max_header_list = 8'000;
    connect();
    H2Client::Headers many;
    for (int i = 0; i < 30; ++i) {
        many.emplace_back("x-" + std::to_string(i), std::string(400, 'x'));
    }
    const std::int32_t id = client->request(H2Client::kUnary, prefixed("a"), true, many);
    run();
    EXPECT_TRUE(heard.empty());
    EXPECT_EQ(client->status(id), "8");
    EXPECT_THAT(client->reply(id).headers["grpc-message"], testing::HasSubstr("the limit is 8000 (rpc.max_header)"));
    EXPECT_THAT(exceeded, testing::ElementsAre(H2Limit::kHeaderList));
    EXPECT_EQ(call(prefixed("b")).substr(0, 2), "0 ") << "the connection goes on";
}

}  // namespace
}  // namespace pharos::rpc
