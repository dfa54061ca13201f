#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include <pharos/spi/store_tools.hpp>

namespace pharos::testing {

/// Tools, and a folder that is empty and the subject's own.
class StoreToolsSubject {
public:
    virtual ~StoreToolsSubject() = default;
    virtual spi::StoreTools& tools() = 0;
    virtual std::string folder() = 0;
    /// Writes one entry, durably, into the store of a data directory, which is made when it is not there.
    virtual void put(const std::string& data_dir, const std::string& key, const std::string& value) = 0;
    /// What the store of a data directory has for the key, or "(absent)".
    virtual std::string get(const std::string& data_dir, const std::string& key) = 0;
    /// A server holds the data directory while `in_it` runs.
    virtual void while_served(const std::string& data_dir, const std::function<void()>& in_it) = 0;
};

/// What every spi::StoreTools promises. Instantiate it with functions that make a subject:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, StoreToolsContract, ::testing::Values(&make_mine));
class StoreToolsContract : public ::testing::TestWithParam<std::unique_ptr<StoreToolsSubject> (*)()> {
public:
    using Subject = StoreToolsSubject;

protected:
    using Code = spi::Code;

    [[nodiscard]] std::string path(const std::string& name) const { return subject_->folder() + "/" + name; }
    std::string get(const std::string& data_dir, const std::string& key = "a") { return subject_->get(data_dir, key); }
    /// A backup that is one bit of the middle away from whole.
    void damage(const std::string& file) {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(file) / 2);
        bytes.seekg(middle);
        const char byte = static_cast<char>(bytes.get() ^ 1);
        bytes.seekp(middle);
        bytes.put(byte);
    }
    template <class Result>
    void expect_error(Result result, Code code, const std::string& named) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), code) << result.error().message();
        EXPECT_THAT(result.error().message(), ::testing::HasSubstr(named));
    }

    const std::unique_ptr<StoreToolsSubject> subject_ = GetParam()();
    spi::StoreTools& tools_ = subject_->tools();
    const std::string data_ = path("data");
    const std::string backup_ = path("backup");
};

TEST_P(StoreToolsContract, ABackupIsRestoredElsewhereAsItWas) {
    subject_->put(data_, "a", "1");
    subject_->put(data_, "b", "");
    auto made = tools_.backup(data_, backup_);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(made->is_whole());
    EXPECT_EQ(made->file, backup_);
    EXPECT_EQ(made->file_bytes, std::filesystem::file_size(backup_));
    subject_->put(data_, "a", "later");

    auto restored = tools_.restore(backup_, path("other"), false);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(restored->kept, "") << "there was none";
    EXPECT_EQ(restored->report.revision, made->revision);
    EXPECT_EQ(get(path("other"), "a"), "1");
    EXPECT_EQ(get(path("other"), "b"), "");
    EXPECT_EQ(get(data_), "later") << "a backup changes nothing";
}

TEST_P(StoreToolsContract, VerifyTellsOfAStoreAndOfABackupTheSame) {
    subject_->put(data_, "a", "1");
    ASSERT_TRUE(tools_.backup(data_, backup_));
    auto store = tools_.verify(data_);
    auto file = tools_.verify(backup_);
    ASSERT_TRUE(store) << store.error().message();
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_TRUE(store->is_whole() && file->is_whole());
    EXPECT_GT(store->revision, 0u);
    EXPECT_EQ(store->revision, file->revision);
    ASSERT_EQ(store->tables.size(), file->tables.size());
    std::uint64_t entries = 0;
    for (std::size_t i = 0; i < store->tables.size(); ++i) {
        EXPECT_EQ(store->tables[i].name, file->tables[i].name);
        EXPECT_EQ(store->tables[i].entries, file->tables[i].entries);
        EXPECT_EQ(store->tables[i].bytes, file->tables[i].bytes);
        entries += store->tables[i].entries;
    }
    EXPECT_GE(entries, 1u);
}

TEST_P(StoreToolsContract, ABackupOverwritesNothing) {
    subject_->put(data_, "a", "1");
    std::ofstream(backup_) << "precious";
    expect_error(tools_.backup(data_, backup_), Code::kConflict, backup_);
    EXPECT_EQ(std::filesystem::file_size(backup_), 8u);
}

TEST_P(StoreToolsContract, WhatIsNotThereIsNamed) {
    expect_error(tools_.backup(path("none"), backup_), Code::kNotFound, path("none"));
    EXPECT_FALSE(std::filesystem::exists(backup_));
    expect_error(tools_.verify(path("none")), Code::kNotFound, path("none"));
    expect_error(tools_.restore(path("none"), data_, false), Code::kNotFound, path("none"));
    EXPECT_FALSE(std::filesystem::exists(path("none"))) << "looking makes nothing";
}

TEST_P(StoreToolsContract, WhatIsNoStoreIsRefused) {
    subject_->put(data_, "a", "1");
    std::ofstream(path("text")) << std::string(20'000, 'x');
    expect_error(tools_.verify(path("text")), Code::kInvalidArgument, path("text"));
    expect_error(tools_.restore(path("text"), data_, true), Code::kInvalidArgument, path("text"));
    EXPECT_EQ(get(data_), "1");
}

TEST_P(StoreToolsContract, ARestoreOverAStoreMustBeMeantAndKeepsIt) {
    subject_->put(data_, "a", "1");
    ASSERT_TRUE(tools_.backup(data_, backup_));
    subject_->put(data_, "a", "2");
    expect_error(tools_.restore(backup_, data_, false), Code::kConflict, data_);
    EXPECT_EQ(get(data_), "2");

    auto restored = tools_.restore(backup_, data_, true);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(get(data_), "1");
    ASSERT_TRUE(std::filesystem::exists(restored->kept)) << restored->kept;
    auto back = tools_.restore(restored->kept, data_, true);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(get(data_), "2") << "what was kept is a backup as any other";
}

TEST_P(StoreToolsContract, ADamagedBackupIsFoundAndNotRestored) {
    subject_->put(data_, "a", std::string(200'000, 'v'));
    ASSERT_TRUE(tools_.backup(data_, backup_));
    damage(backup_);
    auto verified = tools_.verify(backup_);
    EXPECT_TRUE(!verified || !verified->is_whole());
    if (verified) {
        EXPECT_GE(verified->problem_count, verified->problems.size());
        EXPECT_FALSE(verified->problems.empty());
    }
    expect_error(tools_.restore(backup_, data_, true), Code::kInvalidArgument, backup_);
    EXPECT_EQ(get(data_), std::string(200'000, 'v'));
}

TEST_P(StoreToolsContract, AServedStoreIsBackedUpAndVerifiedButNotReplaced) {
    subject_->put(data_, "a", "1");
    ASSERT_TRUE(tools_.backup(data_, backup_));
    subject_->while_served(data_, [&] {
        EXPECT_TRUE(tools_.backup(data_, path("another")));
        EXPECT_TRUE(tools_.verify(data_));
        expect_error(tools_.restore(backup_, data_, true), Code::kUnavailable, data_);
    });
    EXPECT_EQ(get(data_), "1");
    EXPECT_TRUE(tools_.restore(backup_, data_, true));
}

}  // namespace pharos::testing
