#include <gtest/gtest.h>

#include "api_http/parameters.hpp"

namespace pharos::naming {
namespace {

using protocol::Params;

// `protocol/naming.md §0.1, §1.3`
TEST(ServiceParameter, CompositeNamesWinOverGroupName) {
    const auto plain = service_parameter(Params("serviceName=s1&groupName=G", ""));
    EXPECT_EQ(plain.key, (ServiceKey{"public", "G", "s1"}));
    const auto composite = service_parameter(Params("serviceName=A%40%40s1&groupName=G&namespaceId=n1", ""));
    EXPECT_EQ(composite.key, (ServiceKey{"n1", "A", "s1"}));
    EXPECT_EQ(service_parameter(Params("serviceName=s1", "")).key.group, "DEFAULT_GROUP");
    EXPECT_EQ(service_parameter(Params("serviceName=@@s1", "")).malformed,
              "Param 'serviceName' is illegal, groupName can't be empty");
    EXPECT_EQ(service_parameter(Params("serviceName=x@@", "")).malformed,
              "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'");
}

// `protocol/naming.md §10`: the register call of Java 1.x.
TEST(InstanceParameters, Java1Register) {
    const auto parsed = instance_parameters(
        Params("namespaceId=public&serviceName=DEFAULT_GROUP%40%40s1&groupName=DEFAULT_GROUP&clusterName=DEFAULT&"
               "ip=1.1.1.1&port=80&weight=1.0&enable=true&healthy=true&ephemeral=true&metadata=%7B%7D",
               ""));
    EXPECT_FALSE(parsed.check_failure);
    EXPECT_FALSE(parsed.error);
    EXPECT_EQ(parsed.instance.ip, "1.1.1.1");
    EXPECT_EQ(parsed.instance.port, 80);
    EXPECT_TRUE(parsed.instance.enabled && parsed.instance.healthy && parsed.ephemeral);
}

TEST(InstanceParameters, Errors) {
    const auto error = [](std::string_view query) { return instance_parameters(Params(query, "")).error; };
    EXPECT_EQ(error("port=80"), "Param 'ip' is required.");
    EXPECT_EQ(error("ip=1.1.1.1"), "Param 'port' is required.");
    EXPECT_EQ(error("ip=1.1.1.1&port=80&weight=10000.1"),
              "instance format invalid: The weights range from 0.0 to 10000.0");
    EXPECT_EQ(error("ip=1.1.1.1&port=80&weight=x"), "instance format invalid: The weights range from 0.0 to 10000.0");
    EXPECT_EQ(error("ip=1.1.1.1&port=80&metadata=nonsense"), "metadata format incorrect:nonsense");
    EXPECT_EQ(instance_parameters(Params("ip=1.1.1.1&port=70000", "")).check_failure,
              "Param 'port' is illegal, the value should be between 0 and 65535.");
}

// `protocol/naming.md §11`, trap 7: only words are true.
TEST(InstanceParameters, ADigitDoesNotEnable) {
    EXPECT_FALSE(instance_parameters(Params("ip=1.1.1.1&port=80&enable=1", "")).instance.enabled);
}

TEST(Metadata, JsonOrPairs) {
    EXPECT_EQ(parse_metadata(R"({"a":1,"b":"x","c":null})"), (Metadata{{"a", "1"}, {"b", "x"}}));
    EXPECT_EQ(parse_metadata("k=v,k2=v2"), (Metadata{{"k", "v"}, {"k2", "v2"}}));
    EXPECT_EQ(parse_metadata("k=v=w"), std::nullopt);
    EXPECT_EQ(parse_metadata(""), Metadata{});
}

// `protocol/naming.md §10`: the beat of the C++ SDK has every scalar as text.
TEST(BeatParameters, TextualScalars) {
    const auto parsed = beat_parameters(Params(
        "",
        R"(beat={"port":"80","ip":"1.1.1.1","weight":"1","serviceName":"DEFAULT_GROUP@@k1","cluster":"DEFAULT","scheduled":"false","metadata":{}})"));
    EXPECT_FALSE(parsed.error);
    EXPECT_FALSE(parsed.is_light);
    EXPECT_EQ(parsed.instance.port, 80);
    EXPECT_EQ(parsed.instance.weight, 1.0);
}

TEST(BeatParameters, LightBeatsAndMissingWeight) {
    const auto light = beat_parameters(Params("ip=5.1.1.1&port=80", ""));
    EXPECT_TRUE(light.is_light);
    EXPECT_EQ(light.instance.ip, "5.1.1.1");
    EXPECT_EQ(beat_parameters(Params("", R"(beat={"ip":"1.1.1.1","port":80})")).instance.weight, 0.0);
    EXPECT_TRUE(beat_parameters(Params("", "beat=nonsense")).error);
}

}  // namespace
}  // namespace pharos::naming
