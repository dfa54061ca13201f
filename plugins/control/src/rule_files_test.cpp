#include "rule_files.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include <pharos/testing/fakes.hpp>

namespace pharos::control {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RuleFilesTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "pharos-control-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) {
        fs::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name) << text;
    }
    static std::string rule(int count) {
        return R"({"pointRule":{"monitorType":"intercept","maxCount":)" + std::to_string(count) + "}}";
    }
    int taken(int of) {
        int count = 0;
        for (int i = 0; i < of; ++i) {
            count += controller_.point("P")->admit({"", "c", ""}).status ? 1 : 0;
        }
        return count;
    }

    fs::path folder_;
    pharos::testing::FakeExecutors executors_;
    pharos::testing::FakeMetrics metrics_;
    pharos::testing::NullLog log_;
    Controller controller_{executors_.time, metrics_, log_, Brake{.from = 1}};
    std::optional<RuleFiles> files_;

    void start() {
        files_.emplace(controller_, executors_, log_, folder_, 5s);
        files_->start();
    }
};

TEST_F(RuleFilesTest, NoneNeedBeThere) {
    fs::remove_all(folder_);
    start();
    EXPECT_EQ(files_->trouble(), "");
    EXPECT_EQ(taken(100), 100);
}

TEST_F(RuleFilesTest, AreReadAtTheStartAndAgain) {
    write("tps/P", rule(10));
    write("connection/limitRule", R"({"countLimit":3})");
    start();
    EXPECT_EQ(taken(20), 10);
    EXPECT_EQ(controller_.connection_rule().count_limit, 3);
    write("tps/P", rule(15));
    executors_.advance(5s);
    EXPECT_EQ(taken(20), 15);
    fs::remove(folder_ / "tps" / "P");
    executors_.advance(5s);
    EXPECT_EQ(taken(20), 20);
}

TEST_F(RuleFilesTest, ABadOneIsNamedAndTheLastGoodOneHolds) {
    write("tps/P", rule(10));
    start();
    write("tps/P", "{");
    write("tps/Q", std::string(70'000, ' '));
    executors_.advance(5s);
    EXPECT_THAT(files_->trouble(), HasSubstr((folder_ / "tps" / "P").string()));
    EXPECT_THAT(files_->trouble(), HasSubstr("70000 bytes"));
    EXPECT_EQ(taken(20), 10);
    write("tps/P", rule(12));
    fs::remove(folder_ / "tps" / "Q");
    executors_.advance(5s);
    EXPECT_EQ(files_->trouble(), "");
    EXPECT_EQ(taken(20), 12);
}

TEST_F(RuleFilesTest, APipeIsNamedAndHoldsNothingUp) {
    write("tps/Q", rule(10));
    ASSERT_EQ(::mkfifo((folder_ / "tps" / "P").c_str(), 0600), 0);
    start();
    EXPECT_THAT(files_->trouble(), HasSubstr((folder_ / "tps" / "P").string() + ": is not a file"));
    EXPECT_EQ(taken(20), 20);
}

}  // namespace
}  // namespace pharos::control
