#include "plugin/step.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

namespace pharos::plugin {
namespace {

using namespace std::chrono_literals;

TEST(Step, GivesTheOutcomeWithItsName) {
    EXPECT_TRUE(run_step("x", "init", 60s, [] { return spi::Status(); }).status);
    const StepResult failed = run_step("x", "init", 60s, [] { return spi::Status(spi::Code::kInternal, "no luck"); });
    EXPECT_EQ(failed.status.message(), "plugin 'x' init failed: no luck");
    EXPECT_FALSE(failed.is_stuck);
}

TEST(Step, AnExceptionIsAnError) {
    const StepResult thrown =
        run_step("x", "init", 60s, []() -> spi::Status { throw std::runtime_error("made to throw"); });
    EXPECT_EQ(thrown.status.message(), "plugin 'x' init failed: threw: made to throw");
    EXPECT_FALSE(thrown.is_stuck);
    EXPECT_EQ(run_step("x", "init", 60s, []() -> spi::Status { throw 1; }).status.message(),
              "plugin 'x' init failed: threw something that is no std::exception");
}

void fall_over() { throw std::runtime_error("made to throw"); }

TEST(Step, AnExceptionThatCantLeaveItsFunctionStopsItsThreadOnly) {
    const StepResult thrown = run_step("x", "stop", 60s, []() noexcept {
        fall_over();
        return spi::Status();
    });
    EXPECT_EQ(thrown.status.message(), "plugin 'x' stop failed: threw: made to throw");
    EXPECT_TRUE(thrown.is_stuck);
    EXPECT_FALSE(thrown.hung);
}

/// Not inlined, so that it is no loop.
[[gnu::noinline]] int too_deep(volatile int* depth) {
    volatile char room[4096];
    room[0] = static_cast<char>(*depth);
    *depth = *depth + 1;
    return *depth < 0 ? 0 : too_deep(depth) + room[0];
}

class StepDeathTest : public testing::Test {
protected:
    void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

    template <class How>
    static void crash(How how) {
        note_crashes();
        static_cast<void>(run_step("x", "init", 60s, [how] {
            how();
            return spi::Status();
        }));
    }
};

TEST_F(StepDeathTest, ACrashSaysInWhichStep) {
    EXPECT_DEATH(crash([] { std::abort(); }), "pharos: fatal: signal 6 in plugin 'x' init");
    EXPECT_DEATH(crash([] {
                     static volatile std::uintptr_t nowhere = 64;
                     *reinterpret_cast<volatile int*>(nowhere) = 1;
                 }),
                 "pharos: fatal: signal 11 in plugin 'x' init");
    EXPECT_DEATH(crash([] {
                     volatile int depth = 0;
                     static_cast<void>(too_deep(&depth));
                 }),
                 "pharos: fatal: signal 11 in plugin 'x' init");
}

TEST_F(StepDeathTest, ACrashElsewhereAccusesNobody) {
    const auto crash_outside = [] {
        note_crashes();
        static_cast<void>(run_step("x", "init", 60s, [] { return spi::Status(); }));
        static_cast<void>(::raise(SIGSEGV));
    };
    EXPECT_EXIT(
        crash_outside(), [](int status) { return status != 0; }, "^$|Sanitizer");
}

}  // namespace
}  // namespace pharos::plugin
