#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/health_check.hpp>
#include <pharos/testing/fakes.hpp>

namespace pharos::testing {

/// What a case of HealthCheckerContract needs.
struct HealthCheckerCase {
    std::function<std::shared_ptr<spi::HealthChecker>(spi::Net&)> make;
    spi::Properties settings;  ///< good ones
    /// What a healthy target answers, for checks that talk over TCP: what is received, or the body of an HTTP answer.
    std::string good_answer;
    /// What shows, complete as it is, that the target is not well or is something else. Empty: any answer passes.
    std::string bad_answer = {};
};

/// What every spi::HealthChecker that uses spi::Net promises. Instantiate it with a HealthCheckerCase:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, HealthCheckerContract, ::testing::Values(HealthCheckerContract::Case{…}));
class HealthCheckerContract : public ::testing::TestWithParam<HealthCheckerCase> {
public:
    using Case = HealthCheckerCase;

protected:
    using Outcome = spi::ProbeResult::Outcome;

    std::shared_ptr<spi::Probe> configure(spi::Properties settings) {
        auto probe = checker_->configure(settings);
        EXPECT_TRUE(probe) << (probe ? "" : probe.error().message());
        return probe ? probe.value() : nullptr;
    }
    /// Begins a probe whose results go into `results`.
    static void run(spi::Probe& probe, std::vector<spi::ProbeResult>& results, std::uint16_t port = 6379) {
        const std::string ip = "10.1.2.3";  // the view ends with the call
        probe.run({.ip = ip, .port = port, .timeout = std::chrono::milliseconds(500)},
                  [&results](spi::ProbeResult result) { results.push_back(std::move(result)); });
    }
    /// Answers the oldest conversation that is under way.
    void answer(const spi::Status& error) {
        if (!net_.exchanges.empty()) {
            auto call = std::move(net_.exchanges.front());
            net_.exchanges.pop_front();
            call.done(error);
        } else {
            ASSERT_FALSE(net_.http_calls.empty()) << "the check uses neither exchange() nor http_get()";
            auto call = std::move(net_.http_calls.front());
            net_.http_calls.pop_front();
            call.done(error);
        }
    }
    void answer_well() { answer_with(GetParam().good_answer); }
    void answer_with(const std::string& text) {
        if (!net_.exchanges.empty()) {
            auto call = std::move(net_.exchanges.front());
            net_.exchanges.pop_front();
            EXPECT_TRUE(!call.asked.is_complete || call.asked.is_complete(text)) << "this is complete: " << text;
            call.done(text);
        } else {
            ASSERT_FALSE(net_.http_calls.empty());
            auto call = std::move(net_.http_calls.front());
            net_.http_calls.pop_front();
            call.done(spi::HttpAnswer{200, text});
        }
    }

    FakeNet net_;
    std::shared_ptr<spi::HealthChecker> checker_ = GetParam().make(net_);
};

TEST_P(HealthCheckerContract, PassesWhenTheTargetIsWell) {
    const auto probe = configure(GetParam().settings);
    ASSERT_NE(probe, nullptr);
    std::vector<spi::ProbeResult> results;
    run(*probe, results);
    answer_well();
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].outcome, Outcome::kPassed) << results[0].reason;
    EXPECT_EQ(results[0].reason, "");
}

TEST_P(HealthCheckerContract, FailsWithAReasonWhenTheTargetAnswersBadly) {
    if (GetParam().bad_answer.empty()) {
        GTEST_SKIP() << "any answer passes";
    }
    const auto probe = configure(GetParam().settings);
    ASSERT_NE(probe, nullptr);
    std::vector<spi::ProbeResult> results;
    run(*probe, results);
    answer_with(GetParam().bad_answer);
    ASSERT_EQ(results.size(), 1u);
    EXPECT_THAT(results[0].outcome, ::testing::AnyOf(Outcome::kFailed, Outcome::kFailedNow));
    EXPECT_NE(results[0].reason, "");
}

TEST_P(HealthCheckerContract, AsksTheTargetAndKeepsTheTimeOut) {
    const auto probe = configure(GetParam().settings);
    std::vector<spi::ProbeResult> results;
    run(*probe, results, 1234);
    if (!net_.exchanges.empty()) {
        EXPECT_EQ(net_.exchanges.front().asked.ip, "10.1.2.3");
        EXPECT_EQ(net_.exchanges.front().asked.port, 1234);
        EXPECT_EQ(net_.exchanges.front().asked.timeout, std::chrono::milliseconds(500));
    } else {
        ASSERT_FALSE(net_.http_calls.empty());
        EXPECT_EQ(net_.http_calls.front().asked.ip, "10.1.2.3");
        EXPECT_EQ(net_.http_calls.front().asked.port, 1234);
        EXPECT_EQ(net_.http_calls.front().asked.timeout, std::chrono::milliseconds(500));
    }
    answer_well();
}

TEST_P(HealthCheckerContract, FailsOnceWithAReasonWhateverGoesWrong) {
    for (const spi::Code code : {spi::Code::kUnavailable, spi::Code::kTimeout, spi::Code::kClosed, spi::Code::kTooLarge,
                                 spi::Code::kInternal, spi::Code::kInvalidArgument}) {
        const auto probe = configure(GetParam().settings);
        std::vector<spi::ProbeResult> results;
        run(*probe, results);
        answer({code, "made to fail"});
        ASSERT_EQ(results.size(), 1u);
        EXPECT_NE(results[0].outcome, Outcome::kPassed);
        EXPECT_THAT(results[0].reason, ::testing::HasSubstr("made to fail"));
        if (code == spi::Code::kTimeout) {
            EXPECT_EQ(results[0].outcome, Outcome::kFailed) << "a time-out counts, it never turns a target at once";
        }
    }
}

TEST_P(HealthCheckerContract, BlamesNoTargetForWhatThisNodeLacks) {
    const auto probe = configure(GetParam().settings);
    std::vector<spi::ProbeResult> results;
    run(*probe, results);
    answer({spi::Code::kDenied, "no descriptors left"});
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].outcome, Outcome::kNotProbed);
}

TEST_P(HealthCheckerContract, ManyProbesOfOneCheckRunAtOnce) {
    const auto probe = configure(GetParam().settings);
    std::vector<spi::ProbeResult> first;
    std::vector<spi::ProbeResult> second;
    run(*probe, first, 1);
    run(*probe, second, 2);
    answer({spi::Code::kTimeout, "made to fail"});
    answer_well();
    ASSERT_EQ(first.size(), 1u);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(first[0].outcome, Outcome::kFailed);
    EXPECT_EQ(second[0].outcome, Outcome::kPassed);
}

TEST_P(HealthCheckerContract, IgnoresSettingsThatItDoesNotKnow) {
    spi::Properties settings = GetParam().settings;
    settings.emplace_back("pharos-nobody-knows-this", "{\"a\":[1]}");
    EXPECT_NE(configure(settings), nullptr);
}

}  // namespace pharos::testing
