#include "http/http_checker.hpp"

#include <gtest/gtest.h>

#include "testing.hpp"

namespace pharos::health {
namespace {

using namespace std::chrono_literals;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What is asked with these settings, and what this answer means.
struct Probed {
    spi::HttpCall call;
    spi::ProbeResult result;
};

Probed probe(const spi::Properties& settings, const spi::Result<spi::HttpAnswer>& answer) {
    testing::FakeNet net;
    HttpChecker checker(net);
    auto made = checker.configure(settings);
    EXPECT_TRUE(made) << made.error().message();
    Probed probed;
    probed.result = {Outcome::kNotProbed, "never answered"};
    made.value()->run({"10.0.0.1", 8080, 500ms}, [&](spi::ProbeResult result) { probed.result = std::move(result); });
    EXPECT_EQ(net.http_calls.size(), 1u);
    probed.call = net.http_calls.front().asked;
    net.http_calls.front().done(answer);
    return probed;
}

spi::Result<spi::HttpAnswer> status(int number) { return spi::HttpAnswer{number, ""}; }

/// `protocol/naming.md §4.2`
TEST(HttpChecker, WhatAStatusMeans) {
    EXPECT_EQ(probe({}, status(200)).result.outcome, Outcome::kPassed);
    for (const int counts : {302, 503}) {
        const spi::ProbeResult result = probe({}, status(counts)).result;
        EXPECT_EQ(result.outcome, Outcome::kFailed) << counts;
        EXPECT_EQ(result.reason, "status " + std::to_string(counts));
    }
    for (const int at_once : {100, 101, 199, 201, 204, 301, 303, 307, 400, 401, 404, 500, 502, 504}) {
        EXPECT_EQ(probe({}, status(at_once)).result.outcome, Outcome::kFailedNow) << at_once;
    }
    // Stored, but not used.
    EXPECT_EQ(probe({{"expectedResponseCode", "204"}}, status(204)).result.outcome, Outcome::kFailedNow);
    EXPECT_EQ(probe({{"expectedResponseCode", "204"}}, status(200)).result.outcome, Outcome::kPassed);
}

TEST(HttpChecker, WhatAnErrorMeans) {
    EXPECT_EQ(probe({}, spi::Status(spi::Code::kUnavailable, "refused")).result.outcome, Outcome::kFailedNow);
    for (const spi::Code code : {spi::Code::kTimeout, spi::Code::kClosed, spi::Code::kInternal, spi::Code::kTooLarge,
                                 spi::Code::kInvalidArgument}) {
        const spi::ProbeResult result = probe({}, spi::Status(code, "what it was")).result;
        EXPECT_EQ(result.outcome, Outcome::kFailed) << spi::to_string(code);
        EXPECT_EQ(result.reason, "what it was");
    }
    EXPECT_EQ(probe({}, spi::Status(spi::Code::kDenied, "Too many open files")).result.outcome, Outcome::kNotProbed);
}

TEST(HttpChecker, WhatIsAskedFor) {
    const spi::HttpCall call =
        probe({{"type", "HTTP"}, {"path", "/x?y=1"}, {"headers", "K:v|K2:v2"}}, status(200)).call;
    EXPECT_EQ(call.ip, "10.0.0.1");
    EXPECT_EQ(call.port, 8080);
    EXPECT_EQ(call.path, "/x?y=1");
    EXPECT_EQ(call.timeout, 500ms);
    EXPECT_EQ(call.headers, (Headers{{"K", "v"}, {"K2", "v2"}, {"User-Agent", "VIPServer"}}));
    EXPECT_EQ(probe({}, status(200)).call.path, "/");
    EXPECT_EQ(probe({{"path", "x"}}, status(200)).call.path, "/x");
}

/// `protocol/naming.md §4.3`: entries without exactly one colon are dropped.
TEST(HttpChecker, HeaderLists) {
    const auto headers = [](const std::string& list) { return probe({{"headers", list}}, status(200)).call.headers; };
    const std::pair<std::string, std::string> agent{"User-Agent", "VIPServer"};
    EXPECT_EQ(headers(""), (Headers{agent}));
    EXPECT_EQ(headers("|"), (Headers{agent}));
    EXPECT_EQ(headers("none|K:v|a:b:c|x"), (Headers{{"K", "v"}, agent}));
    EXPECT_EQ(headers("K:"), (Headers{{"K", ""}, agent}));
    EXPECT_EQ(headers(":v"), (Headers{agent}));
    EXPECT_EQ(headers("user-agent:mine"), (Headers{{"user-agent", "mine"}}));
    EXPECT_EQ(headers("Host:orders.example"), (Headers{{"Host", "orders.example"}, agent}));
}

TEST(HttpChecker, WhatHttpDoesNotAllowIsNamed) {
    testing::FakeNet net;
    HttpChecker checker(net);
    const auto refused = [&](const spi::Properties& settings) {
        const auto made = checker.configure(settings);
        return made ? std::string("taken") : made.error().message();
    };
    EXPECT_EQ(refused({{"path", "/a b"}}), "path: '/a b' has bytes that a URL must escape");
    EXPECT_NE(refused({{"path", "/\xc3\xa4"}}).find("path: "), std::string::npos);
    EXPECT_NE(refused({{"path", "/a\r\nX"}}).find("path: "), std::string::npos);
    EXPECT_EQ(refused({{"headers", "A B:c"}}), "headers: 'A B:c' is not an HTTP header");
    EXPECT_NE(refused({{"headers", "A:b\r\nc"}}).find("headers: "), std::string::npos);
    EXPECT_EQ(refused({{"headers", "content-length:5"}}), "headers: 'content-length' is set by the server itself");
    EXPECT_EQ(refused({{"headers", "K:v"}}), "taken");
}

}  // namespace
}  // namespace pharos::health
