#include <gtest/gtest.h>

#include "app/options.hpp"

namespace pharos::app {
namespace {

std::variant<ServerOptions, Message> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "pharos");
    return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, FlagsBecomeSettings) {
    const auto parsed = parse({"server", "--port", "9000", "--set", "naming.lanes=8", "--open", "--modules", "naming"});
    ASSERT_TRUE(std::holds_alternative<ServerOptions>(parsed));
    const auto& overrides = std::get<ServerOptions>(parsed).overrides;
    ASSERT_EQ(overrides.size(), 4u);
    EXPECT_EQ(overrides[0].key, "naming.lanes");
    EXPECT_EQ(overrides[0].value, "8");
    EXPECT_EQ(overrides[1].key, "server.port");
    EXPECT_EQ(overrides[1].flag, "--port");
    EXPECT_EQ(overrides[2].value, "naming");
    EXPECT_EQ(overrides[3].key, "security.open");
}

TEST(Options, WrongUsageIsTwoAndHelpIsZero) {
    EXPECT_EQ(std::get<Message>(parse({"server", "--nope"})).exit_code, 2);
    EXPECT_EQ(std::get<Message>(parse({})).exit_code, 2);
    EXPECT_EQ(std::get<Message>(parse({"server", "--set", "novalue"})).exit_code, 2);
    EXPECT_EQ(std::get<Message>(parse({"server", "--config", "/nonexistent.toml"})).exit_code, 2);
    EXPECT_NE(std::get<Message>(parse({"server", "--help"})).text.find("--modules"), std::string::npos);
    EXPECT_EQ(std::get<Message>(parse({"server", "--help"})).exit_code, 0);
}

}  // namespace
}  // namespace pharos::app
