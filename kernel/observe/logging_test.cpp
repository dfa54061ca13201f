#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "observe/logging.hpp"

namespace pharos::observe {
namespace {

TEST(Logging, FieldsAreQuotedWhereTheyCouldForgeALine) {
    std::string line;
    append_field(line, spi::kv("a", "plain/1"));
    append_field(line, spi::kv("b", "two words\nINFO forged"));
    append_field(line, spi::kv("c", 5));
    append_field(line, spi::kv("d", ""));
    append_field(line, spi::kv("e", true));
    EXPECT_EQ(line, R"( a=plain/1 b="two words\nINFO forged" c=5 d="" e=true)");
}

TEST(Logging, WritesToAFileAboveItsLevel) {
    const std::string path = testing::TempDir() + "/pharos-log-" + std::to_string(getpid());
    {
        Logging logging({.level = "warn", .file = path});
        ASSERT_TRUE(logging.status()) << logging.status().message();
        logging.of("kernel").info("not seen");
        logging.of("kernel").warn("seen", spi::kv("port", 8848));
        logging.flush();
    }
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::filesystem::remove(path);
    EXPECT_EQ(text.str().find("not seen"), std::string::npos);
    EXPECT_NE(text.str().find("Z warning kernel seen port=8848\n"), std::string::npos) << text.str();
}

TEST(Logging, AnUnknownLevelIsAnError) {
    Logging logging({.level = "loud"});
    EXPECT_EQ(logging.status().message(), "log level 'loud' is none of debug, info, warn, error");
}

}  // namespace
}  // namespace pharos::observe
