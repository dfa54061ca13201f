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

TEST(Logging, LevelsOfPartsChangeWhileTheyAreInUse) {
    Logging logging({.level = "info"});
    spi::Log& naming = logging.of("naming");
    spi::Log& rpc = logging.of("rpc");
    EXPECT_FALSE(naming.enabled(spi::LogLevel::kDebug));
    ASSERT_TRUE(logging.set_level("naming", spi::LogLevel::kDebug));
    EXPECT_TRUE(naming.enabled(spi::LogLevel::kDebug));
    EXPECT_FALSE(rpc.enabled(spi::LogLevel::kDebug));

    ASSERT_TRUE(logging.set_level("", spi::LogLevel::kError));
    EXPECT_FALSE(naming.enabled(spi::LogLevel::kWarn));
    EXPECT_FALSE(rpc.enabled(spi::LogLevel::kWarn));
    EXPECT_FALSE(logging.of("made later").enabled(spi::LogLevel::kWarn));

    const spi::Status unknown = logging.set_level("nope", spi::LogLevel::kInfo);
    EXPECT_EQ(unknown.code(), spi::Code::kNotFound);
    EXPECT_EQ(unknown.message(), "there is no log 'nope'; there are: made later, naming, rpc");
}

TEST(Logging, AnUnknownLevelIsAnError) {
    Logging logging({.level = "loud"});
    EXPECT_EQ(logging.status().message(), "log level 'loud' is none of debug, info, warn, error");
}

}  // namespace
}  // namespace pharos::observe
