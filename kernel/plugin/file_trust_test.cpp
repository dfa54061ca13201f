#include "plugin/file_trust.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace pharos::plugin {
namespace {

namespace fs = std::filesystem;

class FileTrust : public testing::Test {
protected:
    void SetUp() override {
        std::string path = (fs::canonical(fs::temp_directory_path()) / "pharos-trust-XXXXXX").string();
        ASSERT_NE(::mkdtemp(path.data()), nullptr);
        top_ = path;
        fs::create_directories(directory());
        std::ofstream(file()) << "x";
        set(file(), 0644);
        set(directory(), 0755);
        set(top_ / "a", 0755);
    }
    void TearDown() override { fs::remove_all(top_); }

    fs::path directory() const { return top_ / "a" / "plugins"; }
    fs::path file() const { return directory() / "x.so"; }
    static void set(const fs::path& path, mode_t mode) { ASSERT_EQ(::chmod(path.c_str(), mode), 0); }
    std::string check(Owner owner = Owner::of_process()) const { return check_trust(file(), owner).message(); }

    fs::path top_;
};

TEST_F(FileTrust, OursIsFine) {
    EXPECT_EQ(check(), "");
    EXPECT_EQ(check_trust(directory(), Owner::of_process()).message(), "");
    set(file(), 0664);  // by our own group
    EXPECT_EQ(check(), "");
}

TEST_F(FileTrust, WhatEverybodyCanWriteIsNamedWithTheCommandThatMendsIt) {
    set(file(), 0646);
    EXPECT_EQ(check().substr(0, check().find(", owner")), file().string() + " can be written by everybody (mode 0646");
    EXPECT_NE(check().find("mend it with: chmod o-w '" + file().string() + "'"), std::string::npos) << check();
    set(file(), 0644);
    set(directory(), 0777);
    EXPECT_NE(check().find("chmod o-w '" + directory().string() + "'"), std::string::npos) << check();
    set(directory(), 01777);  // others could still add one that is not there yet
    EXPECT_NE(check().find("chmod o-w '" + directory().string() + "'"), std::string::npos) << check();
    set(directory(), 0755);
    set(top_ / "a", 0777);
    EXPECT_NE(check().find("chmod o-w '" + (top_ / "a").string() + "'"), std::string::npos) << check();
    set(top_ / "a", 01777);  // as /tmp is
    EXPECT_EQ(check(), "");
}

TEST_F(FileTrust, AnotherUserOrGroup) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give files away";
    }
    ASSERT_EQ(::chown(file().c_str(), 12345, 0), 0);
    EXPECT_NE(check().find(file().string() + " belongs to another user (mode 0644, owner 12345:"), std::string::npos)
        << check();
    EXPECT_NE(check().find("mend it with: chown root '"), std::string::npos);
    EXPECT_EQ(check(Owner{12345, 12345}), "");
    ASSERT_EQ(::chown(file().c_str(), 0, 12345), 0);
    EXPECT_EQ(check(), "");  // who may only read
    set(file(), 0664);
    EXPECT_NE(check().find("can be written by a group (mode 0664"), std::string::npos) << check();
    EXPECT_NE(check().find("mend it with: chmod g-w '"), std::string::npos);
    EXPECT_EQ(check(Owner{12345, 12345}), "");
}

}  // namespace
}  // namespace pharos::plugin
