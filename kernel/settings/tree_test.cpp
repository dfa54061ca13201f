#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "settings/tree.hpp"

namespace pharos::settings {
namespace {

using spi::SettingSpec;
using spi::SettingType;

constexpr SettingSpec kServer[] = {{"port", SettingType::kInteger, "8848", 1, 65535, "Main port."},
                                   {"addresses", SettingType::kStringList, "127.0.0.1,::1", 0, 0, "Listens on."}};
constexpr SettingSpec kStorage[] = {{"max_size", SettingType::kBytes, "16GiB", 1 << 20, 1LL << 40, "Limit."}};
const Section kSections[] = {{"server", kServer}, {"storage-lmdb", kStorage}};

class TreeTest : public testing::Test {
protected:
    spi::Status read(const std::string& text) {
        const std::string path = testing::TempDir() + "/pharos-tree-test-" + std::to_string(getpid()) + ".toml";
        std::ofstream(path) << text;
        spi::Status status = read_toml(path, raw);
        std::filesystem::remove(path);
        return status;
    }
    Raw raw;
};

TEST_F(TreeTest, DefaultsAreThereAndFilesOverrideThem) {
    ASSERT_TRUE(read("[server]\nport = 9000\naddresses = ['0.0.0.0']\n"));
    auto tree = Tree::build(raw, kSections, {});
    ASSERT_TRUE(tree) << tree.error().message();
    EXPECT_EQ(tree->section("server").integer("port"), 9000);
    EXPECT_EQ(tree->section("server").list("addresses"), std::vector<std::string>{"0.0.0.0"});
    EXPECT_EQ(tree->section("storage-lmdb").integer("max_size"), 16LL << 30);
}

TEST_F(TreeTest, FlagsWinOverEnvironmentAndEnvironmentOverFiles) {
    ASSERT_TRUE(read("server.port = 1\nstorage-lmdb.max_size = '2MiB'"));
    raw.environment["PHAROS_SERVER_PORT"] = "2";
    raw.environment["PHAROS_STORAGE_LMDB_MAX_SIZE"] = "3MiB";
    raw.values["server.port"] = {"3", "--port"};
    auto tree = Tree::build(raw, kSections, {});
    ASSERT_TRUE(tree) << tree.error().message();
    EXPECT_EQ(tree->section("server").integer("port"), 3);
    EXPECT_EQ(tree->section("storage-lmdb").integer("max_size"), 3 << 20);
}

TEST_F(TreeTest, AnUnknownKeyIsAnErrorThatNamesItAndItsPlace) {
    ASSERT_TRUE(read("\n[server]\nprot = 9000\n"));
    auto tree = Tree::build(raw, kSections, {});
    ASSERT_FALSE(tree);
    EXPECT_NE(tree.error().message().find(".toml:3: setting 'server.prot' is not known; did you mean 'server.port'?"),
              std::string::npos)
        << tree.error().message();
}

TEST_F(TreeTest, AnUnknownVariableIsAnError) {
    raw.environment["PHAROS_SERVER_PROT"] = "1";
    auto tree = Tree::build(raw, kSections, {});
    ASSERT_FALSE(tree);
    EXPECT_EQ(tree.error().message(), "environment PHAROS_SERVER_PROT: no setting has this variable");
}

TEST_F(TreeTest, AWrongTypeNamesKeyOriginAndValue) {
    raw.values["server.port"] = {"70000", "--set"};
    auto tree = Tree::build(raw, kSections, {});
    ASSERT_FALSE(tree);
    EXPECT_EQ(tree.error().message(), "--set: setting 'server.port': '70000' is not between 1 and 65535");
}

TEST_F(TreeTest, SectionsOfPluginsThatAreOffAreNotLookedAt) {
    ASSERT_TRUE(read("[naming]\nanything = 1\n"));
    raw.environment["PHAROS_NAMING_OTHER"] = "1";
    EXPECT_FALSE(Tree::build(raw, kSections, {}));
    EXPECT_TRUE(Tree::build(raw, kSections, {"naming"}));
}

TEST_F(TreeTest, BadTomlSaysWhere) {
    const spi::Status status = read("[server]\nport = = 1\n");
    ASSERT_FALSE(status);
    EXPECT_NE(status.message().find(".toml:2: "), std::string::npos) << status.message();
    EXPECT_FALSE(read("a = 1.5\n"));
}

TEST_F(TreeTest, AFileThatCannotBeReadSaysWhy) {
    const std::string absent = testing::TempDir() + "/pharos-no-such-file.toml";
    EXPECT_EQ(read_toml(absent, raw).message(), absent + ": can't be read: No such file or directory");
    EXPECT_EQ(read_toml("/", raw).message(), "/: can't be read: Is a directory");
}

TEST_F(TreeTest, AFileLargerThanSettingsCanBeIsNotParsed) {
    const std::string small = "[server]\nport = 9000\n";
    EXPECT_TRUE(read(small + std::string((1 << 20) - small.size(), '\n')));
    const spi::Status status = read(small + std::string((1 << 20) + 1 - small.size(), '\n'));
    ASSERT_FALSE(status);
    EXPECT_NE(status.message().find("larger than 1048576 bytes"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace pharos::settings
