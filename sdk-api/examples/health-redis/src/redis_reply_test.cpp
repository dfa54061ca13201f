#include "redis_reply.hpp"

#include <gmock/gmock.h>

namespace health_redis {
namespace {

using Outcome = pharos::spi::ProbeResult::Outcome;
using ::testing::HasSubstr;

// Expected bytes are those of the protocol (RESP2).
TEST(RedisReply, CommandsAreArraysOfBulkStrings) {
    EXPECT_EQ(encode({}), "*1\r\n$4\r\nPING\r\n");
    EXPECT_EQ(encode({.password = "pw", .role = "master"}), "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*1\r\n$4\r\nROLE\r\n");
    EXPECT_EQ(encode({.user = "me", .password = "pw"}),
              "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n*1\r\n$4\r\nPING\r\n");
}

TEST(RedisReply, IsReadHoweverItArrives) {
    const Question question{.password = "pw", .role = "master"};
    const std::string whole = "+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
    const std::size_t enough = whole.find(":0");
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const Reply reply = read_reply(question, std::string_view(whole).substr(0, size));
        EXPECT_EQ(reply.complete, size >= enough) << size;
        EXPECT_EQ(reply.result.outcome, Outcome::kPassed);
    }
}

TEST(RedisReply, WhatMayPassCountsAndWhatWillNotIsAtOnce) {
    const auto outcome = [](std::string_view received) { return read_reply({}, received).result.outcome; };
    EXPECT_EQ(outcome("+PONG\r\n"), Outcome::kPassed);
    EXPECT_EQ(outcome("-LOADING Redis is loading the dataset in memory\r\n"), Outcome::kFailed);
    EXPECT_EQ(outcome("-NOAUTH Authentication required.\r\n"), Outcome::kFailedNow);
    EXPECT_EQ(outcome("HTTP/1.1 400 Bad Request\r\n"), Outcome::kFailedNow);
    EXPECT_THAT(read_reply({}, "-NOAUTH Authentication required.\r\n").result.reason, HasSubstr("NOAUTH"));
}

TEST(RedisReply, AnotherRoleFails) {
    const Reply reply = read_reply({.role = "master"}, "*5\r\n$5\r\nslave\r\n");
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.result.outcome, Outcome::kFailed);
    EXPECT_EQ(reply.result.reason, "its role is slave, wanted is master");
}

}  // namespace
}  // namespace health_redis
