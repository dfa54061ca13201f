// What the writer does when the disk fails or is full. LMDB's calls of pwrite, writev and fdatasync come by here.
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "testing.hpp"

namespace {

std::atomic<int> g_data_error{0};  ///< of writes beyond the meta pages
std::atomic<int> g_meta_error{0};
std::atomic<int> g_sync_error{0};
constexpr off_t kMetaEnd = 8192;
std::atomic<off_t> g_last_meta_write{-1};
std::atomic<bool> g_is_synced{false};  ///< since that write

template <class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    if (offset < kMetaEnd) {
        g_last_meta_write = offset;
        g_is_synced = false;
    }
    if (const int error = offset < kMetaEnd ? g_meta_error : g_data_error; error != 0) {
        errno = error;
        return -1;
    }
    return real(file, bytes, size, offset);
}

__attribute__((visibility("default"))) ssize_t writev(int file, const iovec* parts, int count) {
    static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
    if (g_data_error != 0) {
        errno = g_data_error;
        return -1;
    }
    return real(file, parts, count);
}

__attribute__((visibility("default"))) int fdatasync(int file) {
    static const auto real = next<int (*)(int)>("fdatasync");
    if (g_sync_error != 0) {
        errno = g_sync_error;
        return -1;
    }
    g_is_synced = true;
    return real(file);
}
}

namespace pharos::storage_lmdb::testing {
namespace {

using spi::Code;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DiskFault : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(commit_now(open_->store(), put("a", "before"))); }
    void TearDown() override { g_data_error = g_meta_error = g_sync_error = 0; }

    std::string read(std::string_view key) {
        const auto snapshot = open_->store().snapshot();
        const auto value = snapshot == nullptr ? std::nullopt : snapshot->get(key);
        return value ? std::string(value->value) : "(none)";
    }
    /// A second passes, and what is tried then is over.
    void let_it_try() {
        open_->executors.advance(std::chrono::seconds(1));
        std::promise<void> done;
        open_->executors.pool.post([&] { done.set_value(); });
        done.get_future().wait();
    }
    void reopen() {
        open_.reset();
        open_ = std::make_unique<OpenStore>(folder_.store());
        ASSERT_TRUE(open_->status) << open_->status.message();
    }

    TempFolder folder_;
    std::unique_ptr<OpenStore> open_ = std::make_unique<OpenStore>(folder_.store());
};

TEST_F(DiskFault, AFullDiskRefusesPutsUntilThereIsRoom) {
    g_data_error = ENOSPC;
    auto refused = commit_now(open_->store(), put("a", "during"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kUnavailable);
    EXPECT_THAT(refused.error().message(),
                AllOf(HasSubstr(folder_.store()), HasSubstr("full"), HasSubstr("No space left on device")));
    EXPECT_TRUE(open_->writer->is_read_only());
    EXPECT_EQ(open_->writer->failure().message(), refused.error().message());
    EXPECT_EQ(read("a"), "before");

    let_it_try();
    EXPECT_TRUE(open_->writer->is_read_only());

    g_data_error = 0;  // refused without trying: it takes no room from others
    EXPECT_EQ(commit_now(open_->store(), put("a", "during")).error().code(), Code::kUnavailable);
    EXPECT_EQ(write_now(open_->kv(), one("a", "during")).error().code(), Code::kUnavailable);
    let_it_try();
    EXPECT_FALSE(open_->writer->is_read_only());
    EXPECT_TRUE(open_->writer->failure());
    EXPECT_TRUE(commit_now(open_->store(), put("a", "after")));
    EXPECT_EQ(read("a"), "after");
}

TEST_F(DiskFault, ARemovalIsTriedOnAFullDiskAndMakesRoom) {
    g_data_error = ENOSPC;
    EXPECT_FALSE(commit_now(open_->store(), put("b", "1")));
    g_data_error = 0;
    EXPECT_TRUE(open_->writer->is_read_only());
    spi::StoreCommit removal;
    removal.ops.push_back({"a", std::nullopt});
    EXPECT_TRUE(commit_now(open_->store(), removal));
    EXPECT_FALSE(open_->writer->is_read_only());
    EXPECT_TRUE(commit_now(open_->store(), put("b", "1")));
}

TEST_F(DiskFault, WhatWritesNothingSaysNothingOfTheDisk) {
    g_data_error = ENOSPC;
    EXPECT_FALSE(commit_now(open_->store(), put("b", "1")));
    std::promise<void> done;
    open_->store().barrier([&](spi::Result<spi::Revision> at) {
        EXPECT_TRUE(at);
        done.set_value();
    });
    done.get_future().wait();
    EXPECT_TRUE(write_now(open_->kv(), one("none", std::nullopt)));
    EXPECT_TRUE(open_->writer->is_read_only());
}

TEST_F(DiskFault, AFailedSyncFailsItsWritesAndTheNextOneIsTried) {
    for (std::atomic<int>* error : {&g_sync_error, &g_data_error}) {
        *error = EIO;
        auto failed = commit_now(open_->store(), put("a", "during"));
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().code(), Code::kInternal);
        EXPECT_THAT(failed.error().message(), HasSubstr("Input/output error"));
        EXPECT_EQ(open_->writer->failure().message(), failed.error().message());
        EXPECT_FALSE(open_->writer->is_read_only());
        EXPECT_EQ(read("a"), "before");
        let_it_try();
        EXPECT_FALSE(open_->writer->failure());
        *error = 0;
        let_it_try();  // healed without a write
        EXPECT_TRUE(open_->writer->failure());
    }
    EXPECT_TRUE(commit_now(open_->store(), put("a", "after")));
    reopen();
    EXPECT_EQ(read("a"), "after");
}

TEST_F(DiskFault, AFailedMetaPageEndsWritingAndReadsGoOn) {
    g_meta_error = EIO;
    auto failed = commit_now(open_->store(), put("a", "during"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code(), Code::kInternal);
    EXPECT_THAT(failed.error().message(), AllOf(HasSubstr(folder_.store()), HasSubstr("Input/output error"),
                                                HasSubstr("not known"), HasSubstr("restart")));
    g_meta_error = 0;
    let_it_try();
    EXPECT_FALSE(open_->writer->failure());
    EXPECT_TRUE(open_->writer->is_read_only());
    EXPECT_EQ(commit_now(open_->store(), put("a", "after")).error().message(), failed.error().message());
    spi::StoreCommit removal;
    removal.ops.push_back({"a", std::nullopt});
    EXPECT_FALSE(commit_now(open_->store(), removal));
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(read("a"), "before");
    }
    EXPECT_EQ(open_->store().snapshot()->revision(), 1u);

    reopen();
    EXPECT_EQ(read("a"), "before");
    EXPECT_TRUE(commit_now(open_->store(), put("a", "after")));
    reopen();
    EXPECT_EQ(read("a"), "after");
}

TEST_F(DiskFault, EveryWriteOfAGroupThatFailsIsTold) {
    g_sync_error = EIO;
    std::promise<void> all;
    std::atomic<int> answered{0};
    std::atomic<int> failed{0};
    for (int i = 0; i < 20; ++i) {
        open_->store().commit(put("k" + std::to_string(i), "v"), [&](spi::Result<spi::Revision> result) {
            failed += result ? 0 : 1;
            if (++answered == 20) {
                all.set_value();
            }
        });
    }
    all.get_future().wait();
    EXPECT_EQ(failed, 20);
    g_sync_error = 0;
    EXPECT_TRUE(commit_now(open_->store(), put("a", "after")));
    EXPECT_EQ(read("k0"), "(none)");
}

TEST(DiskFaultAtStart, TheOlderMetaPageIsWrittenAgainAndSynced) {
    TempFolder folder;
    for (int i = 0; i < 4; ++i) {  // each commit writes the other page
        {
            OpenStore open(folder.store());
            ASSERT_TRUE(commit_now(open.store(), put("a", std::to_string(i))));
        }
        const off_t newer = g_last_meta_write - g_last_meta_write % 4096;
        const OpenStore open(folder.store());
        EXPECT_EQ(g_last_meta_write, 4096 - newer);
        EXPECT_TRUE(g_is_synced);
    }
}

TEST(DiskFaultAtStart, TheMetaPagesMustBeWritable) {
    TempFolder folder;
    { OpenStore open(folder.store()); }
    g_sync_error = EIO;
    const spi::Status status = OpenStore(folder.store()).status;
    g_sync_error = 0;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("data.mdb"), HasSubstr("Input/output error")));
}

}  // namespace
}  // namespace pharos::storage_lmdb::testing
