#include "persistent/stored_instance.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace pharos::naming {
namespace {

using namespace std::string_literals;

Instance full() {
    Instance made;
    made.ephemeral = false;
    made.weight = 2.5;
    made.healthy = false;
    made.enabled = false;
    made.cluster = "c1";
    made.id = "mine";
    made.metadata = {{"a", "1"}, {"b", ""}};
    return made;
}

TEST(StoredInstance, ComesBackAsItWas) {
    const std::optional<Instance> read = decode_instance(encode_instance(full()));
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->ephemeral);
    EXPECT_EQ(read->weight, 2.5);
    EXPECT_FALSE(read->healthy);
    EXPECT_FALSE(read->enabled);
    EXPECT_EQ(read->cluster, "c1");
    EXPECT_EQ(read->id, "mine");
    EXPECT_EQ(read->metadata, full().metadata);
    EXPECT_EQ(decode_health(encode_health(true)), true);
    EXPECT_EQ(decode_health(encode_health(false)), false);
}

// The layout is on disks: docs/disk-format.md.
TEST(StoredInstance, Bytes) {
    Instance made = full();
    made.metadata = {{"a", "1"}};
    EXPECT_EQ(encode_instance(made), "\x01"s + "\0\0\0\0\0\0\x04\x40"s + "\0\0"s + "\x02\0\0\0c1"s + "\x04\0\0\0mine"s +
                                         "\x01\0\0\0"s + "\x01\0\0\0a\x01\0\0\0"s + "1");
    EXPECT_EQ(encode_health(true), "\x01\x01"s);
    const StoredAddress address{{"public", "G", "s"}, "::1", 80};
    EXPECT_EQ(instance_key(address), "naming/persistent/instance/public\0G\0s\0::1:80"s);
    EXPECT_EQ(health_key(address), "naming/persistent/health/public\0G\0s\0::1:80"s);
}

TEST(StoredInstance, AnythingElseIsRefused) {
    const std::string good = encode_instance(full());
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(decode_instance(good.substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_instance(good + '\0'));
    std::string newer = good;
    newer[0] = 2;
    EXPECT_FALSE(decode_instance(newer));
    std::string no_boolean = good;
    no_boolean[9] = 2;
    EXPECT_FALSE(decode_instance(no_boolean));
    Instance endless = full();
    endless.weight = std::numeric_limits<double>::infinity();
    EXPECT_FALSE(decode_instance(encode_instance(endless)));
    for (const std::string& wrong : {""s, "\x01"s, "\x02\x01"s, "\x01\x02"s, "\x01\x01\x01"s}) {
        EXPECT_FALSE(decode_health(wrong));
    }
}

TEST(StoredInstance, Addresses) {
    const std::optional<StoredAddress> read = parse_stored_address("public\0G\0s\0[::1]:65535"s);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, (StoredAddress{{"public", "G", "s"}, "[::1]", 65535}));
    for (const std::string& wrong :
         {""s, "public\0G\0s"s, "public\0G\0s\0"s, "public\0G\0s\0:80"s, "public\0G\0s\0x:080"s, "public\0G\0s\0x:-1"s,
          "public\0G\0s\0x:65536"s, "public\0G\0s\0x:"s, "public\0G\0s\0x\0:80"s, "public\0G\0\0x:80"s}) {
        EXPECT_FALSE(parse_stored_address(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace pharos::naming
