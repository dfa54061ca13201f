// What a damaged file leads to: a refused start, the end of the process with a line, or data as it was written.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "file_check.hpp"
#include "store_tools.hpp"
#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Data = std::map<std::string, std::string>;

// A process for each case: with a sanitizer that is slow, so it does every eighth.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kStep = 8;
#else
constexpr int kStep = 1;
#endif

/// Long and short values, so that the file has branch pages, leaves, and pages of values, and a list of free ones.
Data fill(const std::string& folder) {
    Data data;
    OpenStore open(folder);
    for (int round = 0; round < 2; ++round) {
        spi::StoreCommit commit;
        for (int i = 0; i < 240; ++i) {
            const std::string key = "config/" + std::to_string(i * 7919 % 1000) + std::string(i % 40, 'k');
            const std::size_t size = i % 12 == 0 ? 9000 + i : i % 5 == 0 ? 1500 : 60;
            data[key] = std::to_string(round) + std::string(size, static_cast<char>('a' + i % 26));
            commit.ops.push_back({key, data[key]});
            if (commit.ops.size() == 8) {
                EXPECT_TRUE(commit_now(open.store(), std::exchange(commit, {})));
            }
        }
    }
    EXPECT_TRUE(write_now(open.kv(), one("mark", "1")));
    return data;
}

std::string contents_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void set_contents(const std::string& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

enum Outcome { kServes = 0, kRefused = 10, kWrong = 11, kMissing = 12, kWriteFailed = 13 };

/// Opens the store in a process of its own, reads everything and writes something.
int outcome_of_serving(const std::string& folder, const Data& data) {
    const pid_t child = fork();
    if (child == 0) {
        ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
        int outcome = kServes;
        {
            OpenStore open(folder);
            if (!open.status) {
                _exit(kRefused);
            }
            std::size_t count = 0;
            {
                auto snapshot = open.store().snapshot();
                for (const auto& [key, value] : data) {
                    const auto found = snapshot->get(key);
                    outcome = !found ? kMissing : found->value != value ? kWrong : outcome;
                }
                snapshot->scan("", "", [&](std::string_view key, const spi::StoreValue& value) {
                    const auto known = data.find(std::string(key));
                    outcome = known == data.end() || known->second != value.value ? kWrong : outcome;
                    ++count;
                    return true;
                });
            }
            outcome = outcome == kServes && count != data.size() ? kMissing : outcome;
            if (outcome == kServes && !commit_now(open.store(), put("config/new", std::string(5000, 'n')))) {
                outcome = kWriteFailed;
            }
        }
        _exit(outcome);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool is_found_by_verify(const std::string& folder) {
    Environment none({.directory = folder});
    auto report = LmdbStoreTools(none).verify(folder + "/data.mdb");
    return !report || !report->is_whole();
}

class Damage : public ::testing::Test {
protected:
    void SetUp() override {
        data_ = fill(folder_.store());
        bytes_ = contents_of(file());
        ASSERT_EQ(outcome_of_serving(folder_.store(), data_), kServes);
        ASSERT_FALSE(is_found_by_verify(folder_.store()));
    }
    [[nodiscard]] std::string file() const { return folder_.store() + "/data.mdb"; }

    /// Wrong data is never served, nothing dies of a signal, and `verify` sees what stops the server.
    void expect_safe(const std::string& bytes, const std::string& what) {
        set_contents(file(), bytes);
        const bool found = is_found_by_verify(folder_.store());
        const int outcome = outcome_of_serving(folder_.store(), data_);
        EXPECT_TRUE(outcome == kServes || outcome == kRefused || outcome == kDamagedExit) << what << ": " << outcome;
        EXPECT_TRUE(found || outcome == kServes) << what << ": " << outcome << " and verify finds nothing";
        ++outcomes_[outcome];
    }

    TempFolder folder_{TempFolder::in_memory()};
    Data data_;
    std::string bytes_;
    std::map<int, int> outcomes_;
};

TEST_F(Damage, FlippedBits) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 300; i += kStep) {
        std::string bytes = bytes_;
        // Half of them in the heads of pages, where most of the structure is.
        const std::size_t at =
            i / kStep % 2 == 0 ? random() % bytes.size() : random() % (bytes.size() / 4096) * 4096 + random() % 40;
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        expect_safe(bytes, "byte " + std::to_string(at));
    }
    EXPECT_GT(outcomes_[kRefused], 15 / kStep);
    EXPECT_GT(outcomes_[kDamagedExit], 15 / kStep);
}

TEST_F(Damage, MetaPages) {
    for (std::size_t page : {0, 4096}) {
        for (std::size_t at = page; at < page + 152; at += kStep) {
            std::string bytes = bytes_;
            bytes[at] = static_cast<char>(bytes[at] ^ 1 << at % 8);
            expect_safe(bytes, "byte " + std::to_string(at));
        }
    }
}

TEST_F(Damage, PagesOfZerosAndOfEachOther) {
    const std::size_t pages = bytes_.size() / 4096;
    for (std::size_t page = 0; page < pages; page += kStep) {
        std::string bytes = bytes_;
        bytes.replace(page * 4096, 4096, 4096, '\0');
        expect_safe(bytes, "zeros in page " + std::to_string(page));
        if (page % 3 == 0) {
            bytes = bytes_;
            bytes.replace(page * 4096, 4096, bytes_, (page * 31 + 5) % pages * 4096, 4096);
            expect_safe(bytes, "another page in page " + std::to_string(page));
        }
    }
}

TEST_F(Damage, WhatVerifySays) {
    const std::size_t at = bytes_.find("1" + std::string(500, 'f'));
    ASSERT_NE(at, std::string::npos);
    std::string bytes = bytes_;
    bytes[at + 100] = 'g';
    set_contents(file(), bytes);
    Environment none({.directory = folder_.store()});
    auto report = LmdbStoreTools(none).verify(file());
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_EQ(report->problem_count, 1u);
    EXPECT_THAT(report->problems[0], AllOf(HasSubstr("table data"), HasSubstr("config/"), HasSubstr("checksum")));
}

TEST(DamageDeathTest, AnEntryThatChangedUnderTheServerEndsIt) {
    TempFolder folder;
    OpenStore open(folder.store());
    ASSERT_TRUE(commit_now(open.store(), put("config/a", std::string(500, 'x'))));
    const std::string file = folder.store() + "/data.mdb";
    const std::size_t at = contents_of(file).rfind(std::string(500, 'x'));
    ASSERT_NE(at, std::string::npos);
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(at + 7))
        .put('y');
    EXPECT_EXIT((void)open.store().snapshot()->get("config/a"), ::testing::ExitedWithCode(kDamagedExit),
                "data.mdb is damaged: table data, key config/a: its checksum differs.*pharos store restore");
}

TEST(DamageDeathTest, AFileThatBecameShorterEndsTheProcessWithALine) {
    TempFolder folder;
    OpenStore open(folder.store());
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(commit_now(open.store(), put("config/" + std::to_string(i), std::string(3000, 'x'))));
    }
    std::filesystem::resize_file(folder.store() + "/data.mdb", 8192);
    EXPECT_EXIT(
        (void)open.store().snapshot()->get("config/50"), ::testing::ExitedWithCode(kDamagedExit),
        "pharos: the store's file .*/data.mdb can't be read at byte [0-9]+: it has become shorter.*store restore");
}

TEST(DamageDeathTest, AnotherSigbusIsNotOurs) {
    TempFolder folder;
    OpenStore open(folder.store());
    // By the signal; with a sanitizer by its handler, which was there before.
    const auto not_by_us = [](int status) {
        return WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS : WEXITSTATUS(status) != kDamagedExit;
    };
    EXPECT_EXIT(raise(SIGBUS), not_by_us, "");
}

void note_and_end(int) { _exit(55); }

TEST(DamageDeathTest, AHandlerThatWasThereBeforeStillGetsTheOthers) {
    EXPECT_EXIT(
        {
            ::signal(SIGBUS, note_and_end);
            TempFolder folder;
            OpenStore open(folder.store());
            raise(SIGBUS);
        },
        ::testing::ExitedWithCode(55), "");
}

}  // namespace
}  // namespace pharos::storage_lmdb::testing
