#include "plugin/library.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "plugin/elf_test_support.hpp"

namespace pharos::plugin {
namespace {

namespace fs = std::filesystem;

class LibraryTest : public testing::Test {
protected:
    void SetUp() override {
        std::string path = (fs::canonical(fs::temp_directory_path()) / "pharos-library-XXXXXX").string();
        ASSERT_NE(::mkdtemp(path.data()), nullptr);
        top_ = path;
        fs::create_directory(top_ / "a");
        fs::create_directory(top_ / "b");
    }
    void TearDown() override { fs::remove_all(top_); }

    fs::path write(const std::string& name, const std::string& bytes) const {
        std::ofstream(top_ / name, std::ios::binary) << bytes;
        return top_ / name;
    }
    static std::string error_of(const fs::path& file) {
        return inspect_library(file, Owner::of_process()).status.message();
    }

    fs::path top_;
};

TEST_F(LibraryTest, AnUnknownPluginNamesWhereItWasLookedFor) {
    EXPECT_EQ(find_library("nope", {"/nonexistent-a", "/nonexistent-b"}).error().message(),
              "plugin 'nope' is not known: no nope.so in /nonexistent-a, /nonexistent-b; there are: none");
}

TEST_F(LibraryTest, OneThatIsThereTwiceIsNotChosenByLuck) {
    const fs::path first = write("a/x.so", "1");
    const fs::path second = write("b/x.so", "2");
    EXPECT_EQ(find_library("x", {top_ / "a", top_ / "b"}).error().message(),
              "plugin 'x' is there twice: " + first.string() + " and " + second.string() + "; keep one");
    fs::remove(second);
    fs::create_symlink(first, second);  // the same one under two names
    EXPECT_EQ(find_library("x", {top_ / "a", top_ / "b"}).value(), first);
}

TEST_F(LibraryTest, ANameIsNoPath) {
    write("a/x.so", "1");
    EXPECT_FALSE(find_library("../a/x", {top_ / "b"}));
}

TEST_F(LibraryTest, AFileWithoutDescriptorIsRefusedAndNamed) {
    PluginImage image;
    image.symbol = "other";
    const fs::path file = write("x.so", image.build());
    EXPECT_EQ(error_of(file), "plugin file " + file.string() + ": has no plugin descriptor (PHAROS_PLUGIN)");
}

TEST_F(LibraryTest, WhatIsReadIsKeptAndWhoseItIs) {
    const Library library = inspect_library(write("x.so", PluginImage().build()), Owner::of_process());
    EXPECT_EQ(library.status.message(), "");
    EXPECT_TRUE(library.foreign);
    EXPECT_EQ(library.text.version, "1");
}

TEST_F(LibraryTest, FileAndPluginHaveOneName) {
    EXPECT_NE(error_of(write("y.so", PluginImage().build())).find("calls itself 'x'"), std::string::npos);
    // A link's own name counts: x.so → x-1.0.so is fine.
    fs::create_symlink(write("x-1.0.so", PluginImage().build()), top_ / "x.so");
    EXPECT_EQ(error_of(top_ / "x.so"), "");
}

TEST_F(LibraryTest, AnExecutableStackIsRefused) {
    PluginImage image;
    image.stack_flags = PF_R | PF_W | PF_X;
    EXPECT_NE(error_of(write("x.so", image.build())).find("wants an executable stack"), std::string::npos);
}

TEST_F(LibraryTest, WhatIsNoFileIsRefused) {
    fs::create_directory(top_ / "x.so");
    EXPECT_NE(error_of(top_ / "x.so").find("is no file"), std::string::npos);
    fs::create_symlink("/nonexistent", top_ / "y.so");
    EXPECT_NE(error_of(top_ / "y.so").find("can't be found"), std::string::npos);
}

}  // namespace
}  // namespace pharos::plugin
