#include "plugin/probe.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace pharos::plugin {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path kVictim = PROBE_VICTIM_FILE;
const std::filesystem::path kHarmless = "libm.so.6";

std::vector<std::string> probe(const char* fate, const std::vector<std::filesystem::path>& files,
                               std::chrono::milliseconds deadline = 60s) {
    ::setenv("PROBE_VICTIM", fate, 1);
    std::vector<std::string> messages;
    for (const spi::Status& status : probe_libraries(files, deadline)) {
        messages.push_back(status.message());
    }
    return messages;
}

TEST(Probe, TheRestIsTriedAfterOneThatEndsItsProcess) {
    EXPECT_EQ(probe("", {kHarmless, kVictim, kHarmless}), (std::vector<std::string>{"", "", ""}));
    const auto exited = probe("exit", {kHarmless, kVictim, kHarmless});
    ASSERT_EQ(exited.size(), 3u);
    EXPECT_EQ(exited[0], "");
    EXPECT_EQ(exited[1], "ends the process that loads it, by exit(7) in a static initialiser; it said: farewell");
    EXPECT_EQ(exited[2], "");
}

TEST(Probe, WhatAnExceptionSaidIsTold) {
    const auto thrown = probe("throw", {kVictim});
    ASSERT_EQ(thrown.size(), 1u);
    EXPECT_EQ(
        thrown[0],
        "ends the process that loads it, by signal 6 (Aborted) in a static initialiser; it said: terminate called "
        "after throwing an instance of 'std::runtime_error' what(): made to throw");
}

TEST(Probe, OneThatHangsIsEnded) {
    const auto hung = probe("hang", {kVictim, kHarmless}, 300ms);
    ASSERT_EQ(hung.size(), 2u);
    EXPECT_EQ(hung[0], "has not been loaded after 300 ms: a static initialiser of it hangs");
    EXPECT_EQ(hung[1], "");
}

TEST(Probe, WordsWithoutEndAreNoMatter) { EXPECT_EQ(probe("chatter", {kVictim}), std::vector<std::string>{""}); }

TEST(Probe, TheLinkersErrorIsTold) {
    const auto missing = probe("", {"/nonexistent/x.so", kHarmless});
    ASSERT_EQ(missing.size(), 2u);
    EXPECT_EQ(missing[0].substr(0, 34), "can't be loaded: /nonexistent/x.so");
    EXPECT_EQ(missing[1], "");
}

TEST(Probe, NothingToTryIsNoFork) { EXPECT_TRUE(probe("", {}).empty()); }

}  // namespace
}  // namespace pharos::plugin
