#include "plugin/step.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

namespace pharos::plugin {
namespace {

using namespace std::chrono_literals;

class StepTest : public testing::Test {
protected:
    StepRunner steps;
};

TEST_F(StepTest, GivesTheOutcomeWithItsName) {
    EXPECT_TRUE(steps.run("x", "init", 60s, [] { return spi::Status(); }).status);
    const StepResult failed = steps.run("x", "init", 60s, [] { return spi::Status(spi::Code::kInternal, "no luck"); });
    EXPECT_EQ(failed.status.message(), "plugin 'x' init failed: no luck");
    EXPECT_FALSE(failed.is_stuck);
}

TEST_F(StepTest, AnExceptionIsAnError) {
    const StepResult thrown =
        steps.run("x", "init", 60s, []() -> spi::Status { throw std::runtime_error("made to throw"); });
    EXPECT_EQ(thrown.status.message(), "plugin 'x' init failed: threw: made to throw");
    EXPECT_FALSE(thrown.is_stuck);
    EXPECT_EQ(steps.run("x", "init", 60s, []() -> spi::Status { throw 1; }).status.message(),
              "plugin 'x' init failed: threw something that is no std::exception");
}

void fall_over() { throw std::runtime_error("made to throw"); }

TEST_F(StepTest, AnExceptionThatCantLeaveItsFunctionStopsItsThreadOnly) {
    const StepResult thrown = steps.run("x", "stop", 60s, []() noexcept {
        fall_over();
        return spi::Status();
    });
    EXPECT_EQ(thrown.status.message(), "plugin 'x' stop failed: threw: made to throw");
    EXPECT_TRUE(thrown.is_stuck);
    EXPECT_FALSE(thrown.hung);
}

TEST_F(StepTest, AllRunOnOneThreadUntilOneIsStuck) {
    std::vector<std::thread::id> threads;
    const auto note = [&threads] {
        threads.push_back(std::this_thread::get_id());
        return spi::Status();
    };
    EXPECT_TRUE(steps.run("x", "init", 60s, note).status);
    EXPECT_TRUE(steps.run("y", "init", 60s, note).status);
    std::promise<void> released;
    const StepResult hung = steps.run("x", "start", 10ms, [left = released.get_future().share()] {
        left.wait();
        return spi::Status();
    });
    EXPECT_TRUE(hung.hung);
    EXPECT_EQ(hung.status.message(), "plugin 'x' start has not ended after 10 ms");
    EXPECT_TRUE(steps.run("y", "start", 60s, note).status);
    released.set_value();
    EXPECT_TRUE(steps.run("z", "start", 60s, note).status);
    ASSERT_EQ(threads.size(), 4u);
    EXPECT_EQ(threads[0], threads[1]);
    EXPECT_NE(threads[1], threads[2]);
    EXPECT_EQ(threads[2], threads[3]);
    EXPECT_NE(threads[2], std::this_thread::get_id());
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
        StepRunner steps;
        static_cast<void>(steps.run("x", "init", 60s, [how] {
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
        StepRunner steps;
        static_cast<void>(steps.run("x", "init", 60s, [] { return spi::Status(); }));
        static_cast<void>(::raise(SIGSEGV));
    };
    EXPECT_EXIT(
        crash_outside(), [](int status) { return status != 0; }, "^$|Sanitizer");
}

}  // namespace
}  // namespace pharos::plugin
