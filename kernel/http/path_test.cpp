#include "http/path.hpp"

#include <gtest/gtest.h>

namespace pharos::http {
namespace {

std::string canonical(std::string_view path) {
    std::string storage;
    const auto result = canonical_path(path, storage);
    return result ? std::string(*result) : "refused";
}

TEST(PathTest, Canonical) {
    EXPECT_EQ("/", canonical("/"));
    EXPECT_EQ("/nacos/v1/cs/configs", canonical("/nacos/v1/cs/configs"));
    EXPECT_EQ("/nacos/v1/cs/configs", canonical("/nacos/v1/cs/configs/"));
    EXPECT_EQ("/nacos/v1", canonical("//nacos///v1//"));
    EXPECT_EQ("/nacos/v1", canonical("/nacos;a=b/v1;jsessionid=1"));
    EXPECT_EQ("/nacos/v1", canonical("/nacos/x/../v1"));
    EXPECT_EQ("/nacos/v1", canonical("/nacos/./v1/."));
    EXPECT_EQ("/nacos", canonical("/nacos/v1/.."));
    EXPECT_EQ("/nacos", canonical("/nacos/v1/%2e%2E"));
    EXPECT_EQ("/nacos/v1", canonical("/nacos/..;/nacos/v1"));
    EXPECT_EQ("/v1", canonical("/%761"));
    EXPECT_EQ("/a;b", canonical("/a%3bb"));
    EXPECT_EQ("/%2e", canonical("/%252e")) << "decoded once only";
    EXPECT_EQ("/.well-known/x", canonical("/.well-known/x"));
    EXPECT_EQ("/...", canonical("/..."));
    EXPECT_EQ("/", canonical("/;x"));
    EXPECT_EQ("/\xc3\xa4", canonical("/%c3%a4"));
}

TEST(PathTest, Refused) {
    for (const std::string_view path : {"", "nacos", "*", "/%", "/%2", "/%zz", "/a%00b", "/a%2fb", "/a%2Fb", "/a%5cb",
                                        "/a\\b", "/..", "/a/../..", "/%2e%2e/", "/../nacos", "/a%0ab", "/a%7f"}) {
        EXPECT_EQ("refused", canonical(path)) << path;
    }
}

TEST(PathTest, Target) {
    EXPECT_EQ("/a", split_target("/a?b=/c?d").raw_path);
    EXPECT_EQ("b=/c?d", split_target("/a?b=/c?d").query);
    EXPECT_EQ("/a", split_target("http://host:8848/a?x").raw_path);
    EXPECT_EQ("x", split_target("http://host:8848/a?x").query);
    EXPECT_EQ("/", split_target("http://host").raw_path);
    EXPECT_EQ("/a?u=http://x", std::string(split_target("/a?u=http://x").raw_path) + "?" +
                                   std::string(split_target("/a?u=http://x").query));
    EXPECT_EQ("/a", split_target("/a#b").raw_path);
}

TEST(PathTest, Parameters) {
    std::string storage;
    EXPECT_EQ("b c", find_parameter("x=1&a=b+c", "a", storage));
    EXPECT_EQ("b&c", find_parameter("a=b%26c&a=2", "a", storage));
    EXPECT_EQ("1", find_parameter("%61=1", "a", storage));
    EXPECT_EQ("", find_parameter("aa=1&b", "a", storage));
    EXPECT_EQ("", find_parameter("b&c", "b", storage));
    EXPECT_EQ("%zz", find_parameter("a=%zz", "a", storage));
    EXPECT_EQ("", find_parameter("", "a", storage));
}

}  // namespace
}  // namespace pharos::http
