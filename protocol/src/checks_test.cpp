#include <gtest/gtest.h>

#include <pharos/protocol/checks.hpp>

namespace pharos::protocol {
namespace {

// Rules and messages: `protocol/naming.md §1.4`.
TEST(Checks, MessagesNameTheParameterAndTheLimit) {
    EXPECT_EQ(check_data_id(std::string(257, 'a')),
              "Param 'dataId' is illegal, the param length should not exceed 256.");
    EXPECT_EQ(check_data_id("a/b"), "Param 'dataId' is illegal, illegal characters should not appear in the param.");
    EXPECT_EQ(check_namespace(std::string(65, 'a')),
              "Param 'namespaceId/tenant' is illegal, the param length should not exceed 64.");
    EXPECT_EQ(check_namespace_name("a@b"),
              "Param 'namespaceShowName' is illegal, illegal characters should not appear in the param.");
    EXPECT_FALSE(check_namespace_name("開発 1"));
    EXPECT_TRUE(check_namespace_name(std::string(257, 'a')));
    EXPECT_EQ(check_port(70000), "Param 'port' is illegal, the value should be between 0 and 65535.");
    EXPECT_EQ(check_port("x"), "Param 'port' is illegal, the value should be between 0 and 65535.");
    EXPECT_EQ(check_metadata_size(1025), "Param 'Metadata' is illegal, the param length should not exceed 1024.");
    EXPECT_EQ(check_clusters("c1,c 2"),
              "Param 'cluster' is illegal, illegal characters should not appear in the param.");
}

TEST(Checks, BlankValuesPass) {
    for (const auto check :
         {check_namespace, check_service_name, check_group, check_data_id, check_cluster, check_ip}) {
        EXPECT_FALSE(check(""));
        EXPECT_FALSE(check("  "));
    }
}

TEST(Checks, LimitsAreInclusive) {
    EXPECT_FALSE(check_data_id(std::string(256, 'a')));
    EXPECT_FALSE(check_group(std::string(128, 'a')));
    EXPECT_TRUE(check_group(std::string(129, 'a')));
    EXPECT_FALSE(check_service_name(std::string(512, 'a')));
    EXPECT_TRUE(check_service_name(std::string(513, 'a')));
    EXPECT_FALSE(check_port("65535"));
    EXPECT_FALSE(check_port("0"));
    EXPECT_FALSE(check_metadata_size(1024));
}

TEST(Checks, ServiceNames) {
    EXPECT_FALSE(check_service_name("providers:com.x.Foo:1.0:"));
    EXPECT_FALSE(check_service_name("a/b.c"));
    EXPECT_FALSE(check_service_name("中a"));  // the first character may be Chinese
    EXPECT_TRUE(check_service_name("a中"));
    EXPECT_TRUE(check_service_name("@a"));
    EXPECT_TRUE(check_service_name("a@@b"));
    EXPECT_FALSE(check_service_name("a@b"));
    EXPECT_TRUE(check_service_name("a b"));
}

TEST(Checks, Addresses) {
    EXPECT_FALSE(check_ip("[::1]"));
    EXPECT_FALSE(check_ip("host-1.example"));
    EXPECT_TRUE(check_ip("1.1.1.1 "));
    EXPECT_TRUE(check_ip("主机"));
}

TEST(Checks, Utf16Units) {
    EXPECT_EQ(count_utf16_units("a中😀"), 4u);
    EXPECT_EQ(count_characters("a中😀"), 3u);
}

}  // namespace
}  // namespace pharos::protocol
