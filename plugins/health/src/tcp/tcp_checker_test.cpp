#include "tcp/tcp_checker.hpp"

#include <gtest/gtest.h>

#include "testing.hpp"

namespace pharos::health {
namespace {

using namespace std::chrono_literals;

spi::ProbeResult probe(const spi::Result<std::string>& answer) {
    testing::FakeNet net;
    TcpChecker checker(net);
    auto made = checker.configure({{"type", "TCP"}, {"what", "ever"}});
    EXPECT_TRUE(made);
    spi::ProbeResult found{Outcome::kNotProbed, "never answered"};
    made.value()->run({"10.0.0.1", 8080, 500ms}, [&](spi::ProbeResult result) { found = std::move(result); });
    EXPECT_EQ(net.exchanges.size(), 1u);
    const spi::TcpExchange& asked = net.exchanges.front().asked;
    EXPECT_EQ(asked.ip, "10.0.0.1");
    EXPECT_EQ(asked.port, 8080);
    EXPECT_EQ(asked.timeout, 500ms);
    EXPECT_EQ(asked.send, "");
    EXPECT_FALSE(asked.is_complete);  // to be connected is enough
    net.exchanges.front().done(answer);
    return found;
}

/// `protocol/naming.md §4.2`
TEST(TcpChecker, WhatAConnectionMeans) {
    EXPECT_EQ(probe(std::string()).outcome, Outcome::kPassed);
    EXPECT_EQ(probe(std::string()).reason, "");
    const spi::ProbeResult refused = probe(spi::Status(spi::Code::kUnavailable, "cannot connect: Connection refused"));
    EXPECT_EQ(refused.outcome, Outcome::kFailedNow);
    EXPECT_EQ(refused.reason, "cannot connect: Connection refused");
    for (const spi::Code code :
         {spi::Code::kTimeout, spi::Code::kClosed, spi::Code::kInternal, spi::Code::kInvalidArgument}) {
        EXPECT_EQ(probe(spi::Status(code, "error")).outcome, Outcome::kFailed) << spi::to_string(code);
    }
    EXPECT_EQ(probe(spi::Status(spi::Code::kDenied, "Too many open files")).outcome, Outcome::kNotProbed);
}

}  // namespace
}  // namespace pharos::health
