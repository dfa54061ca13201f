#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

/// Commits for ever and writes the number of each acknowledged commit into the pipe.
[[noreturn]] void commit_until_killed(const std::string& folder, int pipe) {
    OpenStore open(folder);
    for (int i = 0;; ++i) {
        open.store().commit(put("k" + std::to_string(i), std::to_string(i)),
                            [pipe, i](spi::Result<spi::Revision> done) {
                                if (!done || ::write(pipe, &i, sizeof i) != sizeof i) {
                                    _exit(3);
                                }
                            });
        if (i % 50 == 49 && !commit_now(open.store(), put("round", std::to_string(i)))) {
            _exit(3);
        }
    }
}

TEST(Crash, EverythingAcknowledgedIsThere) {
    TempFolder folder;
    int acknowledged = -1;
    for (int round = 0; round < 3; ++round) {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            close(ends[0]);
            commit_until_killed(folder.store(), ends[1]);
        }
        close(ends[1]);
        int number = 0;
        for (int i = 0; i < 120 + 35 * round && ::read(ends[0], &number, sizeof number) == sizeof number; ++i) {
            acknowledged = std::max(acknowledged, number);
        }
        kill(child, SIGKILL);
        while (::read(ends[0], &number, sizeof number) == sizeof number) {
            acknowledged = std::max(acknowledged, number);
        }
        close(ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status)) << status;

        OpenStore open(folder.store());
        ASSERT_TRUE(open.status) << open.status.message();
        ASSERT_GT(acknowledged, 50);
        auto snapshot = open.store().snapshot();
        spi::Revision last = 0;
        for (int i = 0; i <= acknowledged; ++i) {
            auto value = snapshot->get("k" + std::to_string(i));
            ASSERT_TRUE(value) << i;
            EXPECT_EQ(value->value, std::to_string(i));
            last = std::max(last, value->revision);
        }
        EXPECT_GE(snapshot->revision(), last);
    }
}

}  // namespace
}  // namespace pharos::storage_lmdb::testing
