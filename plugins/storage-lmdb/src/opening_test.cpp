// How a store is opened or refused, and what it says of its state afterwards.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "testing.hpp"

namespace pharos::storage_lmdb::testing {
namespace {

using spi::Code;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = 1 << 20;

spi::Status status_of_opening(const std::string& folder) { return OpenStore(folder).status; }

TEST(Opening, RefusesANewerFormat) {
    TempFolder folder;
    {
        OpenStore open(folder.store());
        MDB_txn* txn = nullptr;
        ASSERT_EQ(mdb_txn_begin(open.environment->raw(), nullptr, 0, &txn), 0);
        const std::string number = encode_number(7);
        MDB_val key = value_of("format");
        MDB_val value = value_of(number);
        ASSERT_EQ(mdb_put(txn, open.environment->dbi(Environment::Table::kMeta), &key, &value, 0), 0);
        ASSERT_EQ(mdb_txn_commit(txn), 0);
    }
    EXPECT_THAT(status_of_opening(folder.store()).message(), HasSubstr("store format 7"));
}

TEST(Opening, RefusesWhatIsNoDatabase) {
    TempFolder folder;
    std::filesystem::create_directory(folder.store());
    { std::ofstream(folder.store() + "/data.mdb") << std::string(16384, 'x'); }
    EXPECT_THAT(status_of_opening(folder.store()).message(), HasSubstr(folder.store()));
}

TEST(Opening, NamesAFolderThatCannotBeMade) {
    EXPECT_THAT(status_of_opening("/proc/pharos/store").message(), HasSubstr("/proc/pharos/store"));
}

TEST(Opening, RefusesALimitAboveTheMap) {
    TempFolder folder;
    const spi::Status status = OpenStore(folder.store(), 64 * kMiB, 65 * kMiB).status;
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(), AllOf(HasSubstr("storage-lmdb.max_size"), HasSubstr("storage-lmdb.map_size")));
    EXPECT_FALSE(std::filesystem::exists(folder.store()));
    EXPECT_TRUE(OpenStore(folder.store(), 64 * kMiB, 64 * kMiB).status);
}

/// Another program's database: the entry "their"="data" in a table, or in the unnamed one. Returns all names in the
/// unnamed table.
std::vector<std::string> foreign(const std::string& folder, const char* table) {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    MDB_cursor* cursor = nullptr;
    std::filesystem::create_directories(folder);
    EXPECT_EQ(mdb_env_create(&env), 0);
    EXPECT_EQ(mdb_env_set_maxdbs(env, 8), 0);
    EXPECT_EQ(mdb_env_open(env, folder.c_str(), 0, 0600), 0);
    EXPECT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    EXPECT_EQ(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
    MDB_val key = value_of("their");
    MDB_val value = value_of("data");
    EXPECT_EQ(mdb_put(txn, dbi, &key, &value, 0), 0);
    EXPECT_EQ(mdb_dbi_open(txn, nullptr, 0, &dbi), 0);
    EXPECT_EQ(mdb_cursor_open(txn, dbi, &cursor), 0);
    std::vector<std::string> names;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        names.emplace_back(view_of(key));
    }
    mdb_cursor_close(cursor);
    EXPECT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    return names;
}

TEST(Opening, RefusesAnotherProgramsDatabaseAndLeavesItAlone) {
    for (const char* table : {static_cast<const char*>(nullptr), "users", "meta"}) {
        TempFolder folder;
        foreign(folder.store(), table);
        const spi::Status status = status_of_opening(folder.store());
        EXPECT_EQ(status.code(), Code::kInvalidArgument);
        EXPECT_THAT(status.message(), AllOf(HasSubstr(folder.store()), HasSubstr("another program")));
        EXPECT_THAT(foreign(folder.store(), table), ElementsAre(table == nullptr ? "their" : table));
    }
}

TEST(Opening, RefusesATruncatedFile) {
    for (const double part : {0.9, 0.5, 0.1}) {
        TempFolder folder;
        {
            OpenStore open(folder.store());
            for (int i = 0; i < 40; ++i) {
                ASSERT_TRUE(
                    commit_now(open.store(), put("k" + std::to_string(i), std::string(i % 3 ? 500 : 50'000, 'x'))));
            }
        }
        const std::string file = folder.store() + "/data.mdb";
        const auto size = static_cast<double>(std::filesystem::file_size(file));
        std::filesystem::resize_file(file, static_cast<std::uintmax_t>(size * part));
        EXPECT_THAT(status_of_opening(folder.store()).message(), AllOf(HasSubstr(file), HasSubstr("truncated")))
            << part;
    }
}

TEST(Opening, RefusesAFileOfOnePage) {
    TempFolder folder;
    EXPECT_TRUE(status_of_opening(folder.store()));
    std::filesystem::resize_file(folder.store() + "/data.mdb", 4096);
    EXPECT_THAT(status_of_opening(folder.store()).message(),
                AllOf(HasSubstr(folder.store()), HasSubstr("MDB_INVALID")));
}

TEST(Opening, TakesAFileWhoseLastPagesWereNeverNeeded) {
    TempFolder folder;
    const std::string file = folder.store() + "/data.mdb";
    std::uint64_t counted = 0;
    {
        OpenStore open(folder.store());
        for (int i = 0; i < 6; ++i) {  // so that there are pages to use again
            ASSERT_TRUE(write_now(open.kv(), one("a", std::string(20'000, 'a'))));
        }
        // Pages at the end that are taken and given back within one transaction.
        spi::KvBatch batch = one("a", std::string(5000, 'a'));
        batch.ops.push_back({"big", std::string(300'000, 'x')});
        batch.ops.push_back({"big", std::nullopt});
        ASSERT_TRUE(write_now(open.kv(), std::move(batch)));
        MDB_envinfo info{};
        MDB_stat stat{};
        mdb_env_info(open.environment->raw(), &info);
        mdb_env_stat(open.environment->raw(), &stat);
        counted = (info.me_last_pgno + 1) * stat.ms_psize;
    }
    ASSERT_LT(std::filesystem::file_size(file), counted);
    OpenStore open(folder.store());
    ASSERT_TRUE(open.status) << open.status.message();
    EXPECT_EQ(open.kv().snapshot()->get("a")->size(), 5000u);
}

TEST(Opening, RefusesWhatCannotBeRead) {
    TempFolder folder;
    std::filesystem::create_directories(folder.store() + "/data.mdb");
    EXPECT_THAT(status_of_opening(folder.store()).message(),
                AllOf(HasSubstr(folder.store() + "/data.mdb"), HasSubstr("no regular file")));
}

TEST(Opening, NamesWhatMayNotBeRead) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "to become another user needs root";
    }
    TempFolder folder;
    { OpenStore open(folder.store()); }
    std::filesystem::permissions(folder.root(), std::filesystem::perms(0755));
    const pid_t child = fork();
    if (child == 0) {
        const bool other = setuid(65534) == 0;
        const std::string message = status_of_opening(folder.store()).message();
        const bool named =
            message.find(folder.store()) != std::string::npos && message.find("Permission denied") != std::string::npos;
        _exit(other && named ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

TEST(Opening, ANewStoreHasItsNameOnlyWhenItIsWhole) {
    TempFolder folder;
    // What a power cut in the first moment leaves.
    std::filesystem::create_directories(folder.store() + "/unfinished");
    { std::ofstream(folder.store() + "/unfinished/data.mdb") << std::string(20'000, '\0'); }
    OpenStore open(folder.store());
    ASSERT_TRUE(open.status) << open.status.message();
    EXPECT_FALSE(std::filesystem::exists(folder.store() + "/unfinished"));
    EXPECT_TRUE(commit_now(open.store(), put("a", "1")));
}

TEST(Opening, BeforeItNothingIsServed) {
    TempFolder folder;
    pharos::testing::FakeMetrics metrics;
    pharos::testing::ThreadedExecutors executors;
    Environment environment({.directory = folder.store(), .map_bytes = 64 * kMiB, .max_bytes = 8 * kMiB});
    pharos::testing::NullLog log;
    Writer writer(environment, executors, metrics, log);
    LmdbKvStore kv(environment, writer);
    LocalStore store(environment, writer);
    EXPECT_EQ(kv.snapshot(), nullptr);
    EXPECT_EQ(store.snapshot(), nullptr);
    EXPECT_EQ(write_now(kv, one("a", "1")).error().code(), Code::kUnavailable);
    EXPECT_EQ(commit_now(store, put("a", "1")).error().code(), Code::kUnavailable);
    EXPECT_FALSE(std::filesystem::exists(folder.store()));
    writer.stop(std::chrono::seconds(30));
}

/// No file may grow while this lives.
class FullDisk {
public:
    explicit FullDisk(std::uintmax_t size) {
        former_ = ::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit low = limit_;
        low.rlim_cur = size;
        setrlimit(RLIMIT_FSIZE, &low);
    }
    ~FullDisk() {
        setrlimit(RLIMIT_FSIZE, &limit_);
        ::signal(SIGXFSZ, former_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit limit_{};
    sighandler_t former_;
};

TEST(Health, ADiskErrorIsNamedUntilACommitSucceeds) {
    TempFolder folder;
    OpenStore open(folder.store());
    ASSERT_TRUE(commit_now(open.store(), put("a", "1")));
    EXPECT_TRUE(open.writer->failure());
    {
        const FullDisk full(std::filesystem::file_size(folder.store() + "/data.mdb"));
        auto failed = commit_now(open.store(), put("b", std::string(200'000, 'x')));
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().code(), Code::kInternal);
        EXPECT_EQ(open.writer->failure().code(), Code::kInternal);
        EXPECT_EQ(open.writer->failure().message(), failed.error().message());
        EXPECT_EQ(open.store().snapshot()->get("a")->value, "1");
        spi::StoreCommit conflict = put("a", "2");
        conflict.compares.push_back({"a", spi::StoreCompare::Kind::kAbsent, 0});
        EXPECT_EQ(commit_now(open.store(), conflict).error().code(), Code::kConflict);
        EXPECT_EQ(open.writer->failure().code(), Code::kInternal);  // says nothing of the disk
    }
    ASSERT_TRUE(commit_now(open.store(), put("b", "2")));
    EXPECT_TRUE(open.writer->failure());
}

TEST(Health, AReachedLimitIsNamedUntilThereIsRoom) {
    TempFolder folder;
    OpenStore open(folder.store(), 64 * kMiB, 4 * kMiB);
    int stored = 0;
    while (write_now(open.kv(), one("k" + std::to_string(stored), std::string(kMiB, 'x')))) {
        ASSERT_LT(++stored, 5);
    }
    EXPECT_EQ(open.writer->failure().code(), Code::kTooLarge);
    EXPECT_THAT(open.writer->failure().message(), HasSubstr("storage-lmdb.max_size"));
    EXPECT_TRUE(write_now(open.kv(), one("k0", std::nullopt)));
    EXPECT_TRUE(open.writer->failure());
}

}  // namespace
}  // namespace pharos::storage_lmdb::testing
