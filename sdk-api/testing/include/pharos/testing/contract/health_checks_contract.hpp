#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/health_check.hpp>
#include <pharos/testing/health.hpp>

namespace pharos::testing {

/// An engine with time that the test moves.
class HealthChecksSubject {
public:
    virtual ~HealthChecksSubject() = default;
    virtual spi::HealthChecks& checks() = 0;
    /// Time goes on by this, and all that is due meanwhile is done, what is posted to the work threads too.
    virtual void advance(spi::Duration by) = 0;
};

/// What every spi::HealthChecks promises. Instantiate it with functions that make a subject, which offers the checker
/// as the type "FAKE" and no other:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, HealthChecksContract, ::testing::Values(&make_mine));
class HealthChecksContract
    : public ::testing::TestWithParam<std::unique_ptr<HealthChecksSubject> (*)(spi::HealthChecker&)> {
public:
    using Subject = HealthChecksSubject;

protected:
    using Outcome = spi::ProbeResult::Outcome;
    struct Told {
        bool healthy;
        std::string reason;
    };

    void SetUp() override { subject_ = GetParam()(checker_); }
    void TearDown() override {
        watch_.reset();
        subject_.reset();  // before what its probes refer to
    }
    static spi::CheckTarget target(bool healthy = true) {
        spi::CheckTarget wanted;
        wanted.name = "a target";
        wanted.ip = "10.1.2.3";
        wanted.port = 8080;
        wanted.type = "FAKE";
        wanted.settings = {{"type", "FAKE"}, {"db", "1"}};
        wanted.healthy = healthy;
        return wanted;
    }
    void begin(spi::CheckTarget wanted = target()) {
        watch_ = subject_->checks().watch(std::move(wanted), [this](bool healthy, std::string_view reason) {
            told_.push_back({healthy, std::string(reason)});
        });
        ASSERT_NE(watch_, nullptr);
    }
    /// Moves time on until somebody is probed. False: nobody was for a long while.
    bool until_probed() {
        for (int i = 0; i < 2000 && checker_.asked.empty(); ++i) {
            subject_->advance(std::chrono::milliseconds(50));
        }
        return !checker_.asked.empty();
    }
    void probe(Outcome outcome, std::string reason = {}) {
        ASSERT_TRUE(until_probed());
        checker_.answer(outcome, std::move(reason));
        subject_->advance(std::chrono::milliseconds(0));
    }
    void expect_nobody_is_probed() {
        subject_->advance(std::chrono::minutes(2));
        EXPECT_TRUE(checker_.asked.empty());
        EXPECT_TRUE(told_.empty());
    }

    FakeHealthChecker checker_;
    std::vector<Told> told_;
    std::unique_ptr<HealthChecksSubject> subject_;
    std::unique_ptr<spi::HealthWatch> watch_;
};

TEST_P(HealthChecksContract, ProbesTheTargetAsItIsSetAgainAndAgain) {
    begin();
    EXPECT_EQ(watch_->last().at_ms, 0);
    EXPECT_EQ(watch_->last().result.outcome, Outcome::kNotProbed);
    EXPECT_NE(watch_->last().result.reason, "") << "it says why there was no probe yet";
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(until_probed());
        ASSERT_EQ(checker_.asked.size(), 1u) << "one at a time";
        EXPECT_EQ(checker_.asked.front().ip, "10.1.2.3");
        EXPECT_EQ(checker_.asked.front().port, 8080);
        EXPECT_GT(checker_.asked.front().timeout.count(), 0);
        checker_.answer(Outcome::kPassed);
    }
    EXPECT_THAT(checker_.configured, ::testing::Contains(target().settings));
    EXPECT_TRUE(told_.empty()) << "nothing contradicts what is believed";
}

TEST_P(HealthChecksContract, ShowsTheNewestProbe) {
    begin();
    probe(Outcome::kPassed);
    probe(Outcome::kFailed, "too slow");
    probe(Outcome::kFailed, "much too slow");
    const spi::LastProbe last = watch_->last();
    EXPECT_NE(last.at_ms, 0);
    EXPECT_EQ(last.result.outcome, Outcome::kFailed);
    EXPECT_EQ(last.result.reason, "much too slow");
    EXPECT_EQ(last.in_a_row, 2u);
    EXPECT_GE(last.took.count(), 0);
    EXPECT_GT(last.interval.count(), 0);
}

TEST_P(HealthChecksContract, SeveralInARowTurnATarget) {
    subject_->checks().set_policy({.times = 3});
    begin();
    probe(Outcome::kFailed, "1");
    probe(Outcome::kFailed, "2");
    probe(Outcome::kPassed);
    probe(Outcome::kFailed, "3");
    probe(Outcome::kFailed, "4");
    EXPECT_TRUE(told_.empty());
    probe(Outcome::kFailed, "5");
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_FALSE(told_[0].healthy);
    EXPECT_EQ(told_[0].reason, "5");
    watch_->assume(false);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(told_.size(), 1u);
        probe(Outcome::kPassed);
    }
    ASSERT_EQ(told_.size(), 2u);
    EXPECT_TRUE(told_[1].healthy);
}

TEST_P(HealthChecksContract, ARefusalTurnsATargetAtOnce) {
    begin();
    probe(Outcome::kFailedNow, "refused");
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_FALSE(told_[0].healthy);
    EXPECT_EQ(told_[0].reason, "refused");
}

TEST_P(HealthChecksContract, TellsAfterEachProbeUntilItIsSettled) {
    begin();
    probe(Outcome::kFailedNow);
    probe(Outcome::kFailedNow);
    EXPECT_EQ(told_.size(), 2u);
    watch_->assume(false);
    probe(Outcome::kFailedNow);
    EXPECT_EQ(told_.size(), 2u);
}

TEST_P(HealthChecksContract, WhoIsToldMaySettleItInTheCall) {
    watch_ = subject_->checks().watch(target(), [this](bool healthy, std::string_view reason) {
        told_.push_back({healthy, std::string(reason)});
        watch_->assume(healthy);
    });
    probe(Outcome::kFailedNow);
    probe(Outcome::kFailedNow);
    EXPECT_EQ(told_.size(), 1u);
}

TEST_P(HealthChecksContract, WhatCouldNotBeProbedChangesNothing) {
    subject_->checks().set_policy({.times = 2});
    begin();
    probe(Outcome::kFailed);
    for (int i = 0; i < 5; ++i) {
        probe(Outcome::kNotProbed, "no descriptors");
    }
    EXPECT_TRUE(told_.empty());
    EXPECT_EQ(watch_->last().result.reason, "no descriptors");
    probe(Outcome::kFailed);
    EXPECT_EQ(told_.size(), 1u);
}

TEST_P(HealthChecksContract, WhoNeverAnswersFails) {
    begin();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(until_probed());
        auto silent = std::move(checker_.asked.front());
        checker_.asked.pop_front();
        subject_->advance(silent.timeout + std::chrono::seconds(3));
        silent.done({});  // too late: it changes nothing, and harms nobody
        silent.done({});
        EXPECT_EQ(watch_->last().result.outcome, Outcome::kFailed);
    }
    ASSERT_FALSE(told_.empty());
    EXPECT_FALSE(told_[0].healthy);
    EXPECT_NE(told_[0].reason, "");
}

TEST_P(HealthChecksContract, SwitchedOffNobodyIsProbedAndAllStaysAsItIs) {
    begin();
    ASSERT_TRUE(until_probed());
    subject_->checks().set_policy({.enabled = false});
    checker_.answer(Outcome::kFailedNow);
    expect_nobody_is_probed();
    subject_->checks().set_policy({});
    probe(Outcome::kFailedNow);
    EXPECT_EQ(told_.size(), 1u);
}

TEST_P(HealthChecksContract, AnUpdateChangesWhomIsProbedAndCountsAnew) {
    subject_->checks().set_policy({.times = 2});
    begin();
    probe(Outcome::kFailed);
    ASSERT_TRUE(until_probed());
    spi::CheckTarget moved = target();
    moved.port = 9090;
    watch_->update(moved);
    checker_.answer(Outcome::kFailedNow);  // of the old port
    EXPECT_EQ(watch_->last().at_ms, 0);
    ASSERT_TRUE(until_probed());
    EXPECT_EQ(checker_.asked.front().port, 9090);
    probe(Outcome::kFailed);
    EXPECT_TRUE(told_.empty());
    moved.name = "the same by another name";
    watch_->update(moved);
    probe(Outcome::kFailed);
    EXPECT_EQ(told_.size(), 1u);
}

TEST_P(HealthChecksContract, OnceTheWatchHasGoneNobodyIsProbedOrTold) {
    begin();
    ASSERT_TRUE(until_probed());
    watch_.reset();
    checker_.answer(Outcome::kFailedNow);
    expect_nobody_is_probed();
}

TEST_P(HealthChecksContract, WithoutACheckNobodyIsProbedAndItSaysWhy) {
    spi::CheckTarget unknown = target();
    unknown.type = "nobody-offers-this";
    begin(unknown);
    EXPECT_THAT(watch_->last().result.reason, ::testing::HasSubstr("NOBODY-OFFERS-THIS"));
    expect_nobody_is_probed();

    checker_.failure = {spi::Code::kInvalidArgument, "db: '1' is too small"};
    begin();
    EXPECT_EQ(watch_->last().result.reason, "db: '1' is too small");
    expect_nobody_is_probed();

    checker_.failure = {};
    checker_.probes_nobody = true;
    spi::CheckTarget other = target();
    other.settings = {{"db", "2"}};
    begin(other);
    EXPECT_EQ(watch_->last().result.outcome, Outcome::kNotProbed);
    expect_nobody_is_probed();
}

}  // namespace pharos::testing
