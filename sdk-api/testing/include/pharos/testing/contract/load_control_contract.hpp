#pragma once

#include <gmock/gmock.h>

#include <memory>

#include <pharos/spi/control.hpp>

namespace pharos::testing {

/// A control that limits the point "Limited" to ten requests for as long as the test lasts, and clients to two.
class LoadControlSubject {
public:
    virtual ~LoadControlSubject() = default;
    virtual spi::LoadControl& control() = 0;
};

/// What every spi::LoadControl promises. Instantiate it with functions that make a subject:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, LoadControlContract, ::testing::Values(&make_mine));
class LoadControlContract : public ::testing::TestWithParam<std::unique_ptr<LoadControlSubject> (*)()> {
public:
    using Subject = LoadControlSubject;

protected:
    static constexpr spi::LimitedCaller kCaller{"10.0.0.1", "1_10.0.0.1_5", "app"};

    std::unique_ptr<LoadControlSubject> subject_ = GetParam()();
    spi::LoadControl& control_ = subject_->control();
};

TEST_P(LoadControlContract, APointIsTheSameEachTime) {
    EXPECT_EQ(control_.point("Limited"), control_.point("Limited"));
}

TEST_P(LoadControlContract, TakesWhatIsWithinTheLimitAndRefusesTheRest) {
    spi::LimitPoint* const point = control_.point("Limited");
    ASSERT_NE(point, nullptr);
    for (int i = 0; i < 10; ++i) {
        const spi::Verdict verdict = point->admit(kCaller);
        EXPECT_TRUE(verdict.status) << verdict.status.message();
        EXPECT_GE(verdict.delay.count(), 0);
    }
    const spi::Verdict verdict = point->admit(kCaller);
    EXPECT_EQ(verdict.status.code(), spi::Code::kUnavailable);
    EXPECT_NE(verdict.status.message(), "") << "the client is told";
}

TEST_P(LoadControlContract, OnePointDoesNotTouchAnother) {
    for (int i = 0; i < 20; ++i) {
        static_cast<void>(control_.point("Limited")->admit(kCaller));
    }
    spi::LimitPoint* const other = control_.point("Other");
    for (int i = 0; other != nullptr && i < 100; ++i) {
        const spi::Verdict verdict = other->admit(kCaller);
        EXPECT_TRUE(verdict.status);
        EXPECT_EQ(verdict.delay.count(), 0);
    }
}

TEST_P(LoadControlContract, OneClientMoreIsTakenBelowTheLimitOnly) {
    EXPECT_TRUE(control_.admit_connection(kCaller, 0));
    EXPECT_TRUE(control_.admit_connection(kCaller, 1));
    const spi::Status refused = control_.admit_connection(kCaller, 2);
    EXPECT_EQ(refused.code(), spi::Code::kUnavailable);
    EXPECT_THAT(refused.message(), ::testing::HasSubstr("2"));
}

}  // namespace pharos::testing
