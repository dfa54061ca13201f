#include "store_tools.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "file_check.hpp"
#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

using spi::Code;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Tools : public ::testing::Test {
protected:
    [[nodiscard]] std::string data_dir() const { return folder_.root(); }
    [[nodiscard]] std::string file(const std::string& name) const { return other_.root() + "/" + name; }
    static std::string read(const std::string& data_dir, std::string_view key) {
        OpenStore open(data_dir + "/store");
        EXPECT_TRUE(open.status) << open.status.message();
        const auto snapshot = open.store().snapshot();
        const auto value = snapshot->get(key);
        return value ? std::string(value->value) : "(absent)";
    }
    static void fill(const std::string& data_dir, const std::string& value) {
        OpenStore open(data_dir + "/store");
        for (int i = 0; i < 300; i += 10) {
            spi::StoreCommit commit;
            for (int j = i; j < i + 10; ++j) {
                commit.ops.push_back({"config/" + std::to_string(j), value + std::string(j * 30, 'x')});
            }
            ASSERT_TRUE(commit_now(open.store(), std::move(commit)));
        }
        ASSERT_TRUE(write_now(open.kv(), one("mark", "1")));
    }

    TempFolder folder_;
    TempFolder other_;
    Environment none_{{.directory = "/nowhere"}};
    LmdbStoreTools tools_{none_};
};

TEST_F(Tools, BackupAndRestoreKeepEverything) {
    fill(data_dir(), "first");
    auto made = tools_.backup(data_dir(), file("b"));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(made->is_whole());
    EXPECT_EQ(made->file, file("b"));
    EXPECT_EQ(made->revision, 30u);
    EXPECT_EQ(made->format, kFormat);
    ASSERT_EQ(made->tables.size(), 2u);
    EXPECT_EQ(made->tables[0].name, "kv");
    EXPECT_EQ(made->tables[0].entries, 1u);
    EXPECT_EQ(made->tables[0].bytes, 5u);
    EXPECT_EQ(made->tables[1].name, "data");
    EXPECT_EQ(made->tables[1].entries, 300u);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < 300; ++i) {
        bytes += std::string("config/first").size() + std::to_string(i).size() + i * 30;
    }
    EXPECT_EQ(made->tables[1].bytes, bytes);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(other_.root()), {}), 1);  // nothing unfinished

    auto restored = tools_.restore(file("b"), other_.root() + "/new", false);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(restored->kept, "");
    EXPECT_EQ(restored->report.revision, 30u);
    EXPECT_EQ(read(other_.root() + "/new", "config/299"), "first" + std::string(299 * 30, 'x'));
}

TEST_F(Tools, BackupOfARunningServersStore) {
    int started[2];
    ASSERT_EQ(pipe(started), 0);
    const pid_t server = fork();  // in a process of its own, as it is for the command line
    if (server == 0) {
        OpenStore open(folder_.store());
        for (int i = 0;; ++i) {  // both at one revision, always equal
            spi::StoreCommit both = put("a", std::to_string(i) + std::string(i % 9 * 700, 'x'));
            both.ops.push_back({"b", both.ops[0].value});
            if (!commit_now(open.store(), both) || (i == 0 && ::write(started[1], "s", 1) != 1)) {
                _exit(1);
            }
        }
    }
    char byte = 0;
    ::close(started[1]);
    ASSERT_EQ(::read(started[0], &byte, 1), 1);
    ::close(started[0]);
    for (int i = 0; i < 10; ++i) {
        auto made = tools_.backup(data_dir(), file(std::to_string(i)));
        EXPECT_TRUE(made) << made.error().message();
        auto verified = tools_.verify(data_dir());
        EXPECT_TRUE(verified && verified->is_whole());
    }
    kill(server, SIGKILL);
    int status = 0;
    waitpid(server, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << status;  // it wrote all the time
    spi::Revision last = 0;
    for (int i = 0; i < 10; ++i) {
        TempFolder target;
        auto restored = tools_.restore(file(std::to_string(i)), target.root(), false);
        ASSERT_TRUE(restored) << restored.error().message();
        EXPECT_GE(restored->report.revision, last);
        last = restored->report.revision;
        EXPECT_EQ(read(target.root(), "a"), read(target.root(), "b"));
    }
    EXPECT_GT(last, 0u);
}

TEST_F(Tools, TheProcessThatHasTheStoreOpenMayBackItUp) {
    OpenStore open(folder_.store());
    ASSERT_TRUE(commit_now(open.store(), put("a", "1")));
    LmdbStoreTools tools(*open.environment);
    auto made = tools.backup(data_dir(), file("b"));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->revision, 1u);
    EXPECT_TRUE(commit_now(open.store(), put("a", "2")));
    EXPECT_TRUE(tools.verify(data_dir())->is_whole());
}

TEST_F(Tools, BackupDoesNotOverwrite) {
    fill(data_dir(), "v");
    std::ofstream(file("b")) << "precious";
    auto refused = tools_.backup(data_dir(), file("b"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kConflict);
    EXPECT_THAT(refused.error().message(), AllOf(HasSubstr(file("b")), HasSubstr("exists")));
    EXPECT_EQ(std::filesystem::file_size(file("b")), 8u);
}

TEST_F(Tools, ErrorsNameTheFile) {
    auto none = tools_.backup(data_dir(), file("b"));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), Code::kNotFound);
    EXPECT_THAT(none.error().message(), HasSubstr(folder_.store() + "/data.mdb"));
    fill(data_dir(), "v");
    auto nowhere = tools_.backup(data_dir(), file("none/b"));
    ASSERT_FALSE(nowhere);
    EXPECT_THAT(nowhere.error().message(), AllOf(HasSubstr(file("none/b")), HasSubstr("No such file")));
    EXPECT_EQ(tools_.verify(file("none")).error().code(), Code::kNotFound);
    std::ofstream(file("text")) << std::string(20'000, 'x');
    EXPECT_EQ(tools_.verify(file("text")).error().code(), Code::kInvalidArgument);
    EXPECT_EQ(tools_.restore(file("text"), data_dir(), true).error().code(), Code::kInvalidArgument);
    EXPECT_THAT(tools_.restore(file("text"), data_dir(), true).error().message(), HasSubstr(file("text")));
}

TEST_F(Tools, RestoreKeepsTheFormerStore) {
    fill(data_dir(), "first");
    ASSERT_TRUE(tools_.backup(data_dir(), file("b")));
    fill(data_dir(), "second");
    auto refused = tools_.restore(file("b"), data_dir(), false);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kConflict);
    EXPECT_THAT(refused.error().message(), AllOf(HasSubstr(data_dir()), HasSubstr("--force")));
    EXPECT_EQ(read(data_dir(), "config/0"), "second");

    auto restored = tools_.restore(file("b"), data_dir(), true);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(read(data_dir(), "config/0"), "first");
    // And back: what was kept is a backup like any other.
    ASSERT_NE(restored->kept, "");
    EXPECT_EQ(tools_.verify(restored->kept)->revision, 60u);
    auto back = tools_.restore(restored->kept, data_dir(), true);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_NE(back->kept, restored->kept);
    EXPECT_EQ(read(data_dir(), "config/0"), "second");
}

TEST_F(Tools, RestoreStaysAwayFromARunningServer) {
    fill(data_dir(), "first");
    ASSERT_TRUE(tools_.backup(data_dir(), file("b")));
    const int lock = ::open((data_dir() + "/lock").c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_EQ(::flock(lock, LOCK_EX), 0);
    ASSERT_EQ(::pwrite(lock, "4711", 4, 0), 4);
    auto refused = tools_.restore(file("b"), data_dir(), true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kUnavailable);
    EXPECT_THAT(refused.error().message(), AllOf(HasSubstr(data_dir()), HasSubstr("4711"), HasSubstr("stop")));
    ::close(lock);
    EXPECT_TRUE(tools_.restore(file("b"), data_dir(), true));
}

TEST_F(Tools, RestoreRefusesADamagedFileAndLeavesTheStoreAlone) {
    fill(data_dir(), "first");
    ASSERT_TRUE(tools_.backup(data_dir(), file("b")));
    std::fstream(file("b"), std::ios::in | std::ios::out | std::ios::binary).seekp(3 * 4096 + 2000).write("damage", 6);
    auto refused = tools_.restore(file("b"), data_dir(), true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(refused.error().message(), AllOf(HasSubstr(file("b")), HasSubstr("damaged")));
    EXPECT_EQ(read(data_dir(), "config/0"), "first");
    std::filesystem::resize_file(file("b"), std::filesystem::file_size(file("b")) / 2);
    EXPECT_FALSE(tools_.restore(file("b"), data_dir(), true));
}

TEST_F(Tools, BackupRefusesADamagedStore) {
    fill(data_dir(), "first");
    std::fstream data(folder_.store() + "/data.mdb", std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 2; page < 40; ++page) {
        data.seekp(page * 4096 + 1500).write("damage", 6);
    }
    data.close();
    auto refused = tools_.backup(data_dir(), file("b"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kInternal);
    EXPECT_THAT(refused.error().message(), HasSubstr("damaged"));
    EXPECT_TRUE(std::filesystem::is_empty(other_.root()));
}

TEST_F(Tools, ReadersThatDiedDoNotHoldBackPages) {
    OpenStore open(folder_.store());
    ASSERT_TRUE(commit_now(open.store(), put("a", "1")));
    const pid_t child = fork();
    if (child == 0) {  // a backup that is killed
        MDB_env* env = nullptr;
        MDB_txn* txn = nullptr;
        _exit(mdb_env_create(&env) == 0 &&
                      mdb_env_open(env, folder_.store().c_str(), MDB_RDONLY | MDB_NOTLS, 0600) == 0 &&
                      mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0
                  ? 0
                  : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    const std::string file = folder_.store() + "/data.mdb";
    for (int i = 0; i < 150; ++i) {
        ASSERT_TRUE(commit_now(open.store(), put("a", std::string(2000, 'x'))));
    }
    const auto size = std::filesystem::file_size(file);
    for (int i = 0; i < 150; ++i) {
        ASSERT_TRUE(commit_now(open.store(), put("a", std::string(2000, 'x'))));
    }
    EXPECT_EQ(std::filesystem::file_size(file), size);
}

/// Values as version 0.1 stored them: without seals.
TEST_F(Tools, AStoreOfFormat1IsReadAndSealedWhenItIsOpened) {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi tables[3] = {};
    std::filesystem::create_directories(folder_.store());
    ASSERT_EQ(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 3);
    mdb_env_set_mapsize(env, 64 << 20);
    ASSERT_EQ(mdb_env_open(env, folder_.store().c_str(), 0, 0600), 0);
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(mdb_dbi_open(txn, kTableNames[i], MDB_CREATE, &tables[i]), 0);
    }
    const auto store = [&](MDB_dbi table, const std::string& key, const std::string& value) {
        MDB_val name = value_of(key);
        MDB_val bytes = value_of(value);
        ASSERT_EQ(mdb_put(txn, table, &name, &bytes, 0), 0);
    };
    const auto value = [](int i) { return std::to_string(i) + std::string(i % 50 * 97, 'x'); };
    for (int i = 0; i < 3500; ++i) {
        store(tables[1], "config/" + std::to_string(i), encode_number(i + 1) + value(i));
    }
    store(tables[0], "mark", "1");
    store(tables[0], "empty", "");
    store(tables[2], "revision", encode_number(3500));
    store(tables[2], "format", encode_number(1));
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);

    auto before = tools_.backup(data_dir(), file("b"));
    ASSERT_TRUE(before) << before.error().message();
    EXPECT_EQ(before->format, 1u);
    EXPECT_EQ(before->revision, 3500u);
    {
        OpenStore open(folder_.store());
        ASSERT_TRUE(open.status) << open.status.message();
        const auto snapshot = open.store().snapshot();
        EXPECT_EQ(snapshot->revision(), 3500u);
        for (int i = 0; i < 3500; ++i) {
            const auto found = snapshot->get("config/" + std::to_string(i));
            ASSERT_TRUE(found) << i;
            EXPECT_EQ(found->value, value(i));
            EXPECT_EQ(found->revision, static_cast<spi::Revision>(i + 1));
        }
        EXPECT_EQ(open.kv().snapshot()->get("mark"), "1");
        EXPECT_EQ(open.kv().snapshot()->get("empty"), "");
    }
    auto after = tools_.verify(data_dir());
    ASSERT_TRUE(after) << after.error().message();
    EXPECT_TRUE(after->is_whole()) << after->problems.front();
    EXPECT_EQ(after->format, kFormat);
    EXPECT_EQ(after->tables[1].entries, 3500u);
    EXPECT_EQ(after->tables[1].bytes, before->tables[1].bytes);
    ASSERT_TRUE(tools_.restore(file("b"), data_dir(), true));
    EXPECT_EQ(read(data_dir(), "config/49"), value(49));
}

}  // namespace
}  // namespace pharos::storage_lmdb::testing
