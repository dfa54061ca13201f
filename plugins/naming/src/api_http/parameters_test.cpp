#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "api_http/parameters.hpp"

namespace pharos::naming {
namespace {

using protocol::Params;

/// Reads one query by the rules of a generation.
struct Query {
    explicit Query(std::string_view query, Generation generation = Generation::kV1, std::string_view form = "")
        : params(query, form), reader(params, generation) {}

    /// Of a query that is not kept.
    Reader& read() { return reader; }
    [[nodiscard]] std::string error() const { return reader.refused() ? reader.failure().message : ""; }

    Params params;
    Reader reader;
};

// `protocol/naming.md §0.1, §1.3`
TEST(ReadService, InV1CompositeNamesWinOverGroupName) {
    const auto key = [](std::string_view query) { return read_service(Query(query).read()); };
    EXPECT_EQ(key("serviceName=s1&groupName=G"), (ServiceKey{"public", "G", "s1"}));
    EXPECT_EQ(key("serviceName=A%40%40s1&groupName=G&namespaceId=n1"), (ServiceKey{"n1", "A", "s1"}));
    EXPECT_EQ(key("serviceName=+s1+").name, "s1");
    EXPECT_EQ(key("serviceName=s1&groupName=+").group, "DEFAULT_GROUP");
}

TEST(ReadService, TheFilterOfV1RefusesHalfANameBeforeTheCheckDoes) {
    const auto failure = [](std::string_view query) {
        Query q(query);
        static_cast<void>(read_service(q.reader));
        EXPECT_EQ(q.reader.failure().stage, Failure::Stage::kFilter);
        return q.error();
    };
    EXPECT_EQ(failure("serviceName=@@s1"),
              "Service name filter error,caused: Param 'serviceName' is illegal, groupName can't be empty;");
    EXPECT_EQ(failure("serviceName=x@@&groupName=a%2Fb&namespaceId=%24"),
              "Service name filter error,caused: Param 'serviceName' is illegal, it should be format as "
              "'groupName@@serviceName';");
}

TEST(ReadService, V2TakesNameAndGroupApart) {
    Query plain("serviceName=s1&groupName=G", Generation::kV2);
    EXPECT_EQ(read_service(plain.reader), (ServiceKey{"public", "G", "s1"}));
    Query grouped("serviceName=G@@s1", Generation::kV2);
    static_cast<void>(read_service(grouped.reader));
    EXPECT_EQ(grouped.error(), "Param 'serviceName' is illegal, illegal characters should not appear in the param.");
    Query either("serviceName=G@@s1", Generation::kV2);
    EXPECT_EQ(read_service(either.reader, Spelling::kEither), (ServiceKey{"public", "G", "s1"}));
    Query wanted("serviceName=s1", Generation::kV2);
    static_cast<void>(read_service(wanted.reader, Spelling::kGrouped));
    EXPECT_EQ(wanted.error(), "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'");
    EXPECT_EQ(wanted.reader.failure().code, protocol::ErrorCode::kParameterValidateError);
}

TEST(ReadStatusKey, NamespaceIsOptional) {
    Query q("");
    EXPECT_EQ(read_status_key(q.reader, "G@@s1"), (ServiceKey{"public", "G", "s1"}));
    EXPECT_EQ(read_status_key(q.reader, "n1##G@@s1"), (ServiceKey{"n1", "G", "s1"}));
    EXPECT_EQ(q.error(), "");
    static_cast<void>(read_status_key(q.reader, "n1##s1"));
    EXPECT_EQ(q.error(), "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'");
}

// `protocol/naming.md §10`: the register call of Java 1.x.
TEST(ReadInstance, Java1Register) {
    Query q(
        "namespaceId=public&serviceName=DEFAULT_GROUP%40%40s1&groupName=DEFAULT_GROUP&clusterName=DEFAULT&"
        "ip=1.1.1.1&port=80&weight=1.0&enable=true&healthy=true&ephemeral=true&metadata=%7B%7D");
    const InstanceParameters parsed = read_instance(q.reader, false);
    EXPECT_EQ(q.error(), "");
    EXPECT_EQ(parsed.instance.ip, "1.1.1.1");
    EXPECT_EQ(parsed.instance.port, 80);
    EXPECT_EQ(parsed.instance.cluster, "DEFAULT");
    EXPECT_TRUE(parsed.instance.enabled && parsed.instance.healthy && parsed.ephemeral);
}

TEST(ReadInstance, Errors) {
    const auto error = [](std::string_view query, Generation generation = Generation::kV1) {
        Query q(query, generation);
        static_cast<void>(read_instance(q.reader, true));
        return q.error();
    };
    EXPECT_EQ(error("port=80"), "Param 'ip' is required.");
    EXPECT_EQ(error("ip=1.1.1.1"), "Param 'port' is required.");
    EXPECT_EQ(error("ip=1.1.1.1", Generation::kV2), "Required parameter 'port' type Integer is not present");
    EXPECT_EQ(error("ip=1.1.1.1&port=80&weight=10000.1"),
              "instance format invalid: The weights range from 0.0 to 10000.0");
    EXPECT_EQ(error("ip=1.1.1.1&port=80&weight=x"), "For input string: \"x\"");
    EXPECT_EQ(error("ip=1.1.1.1&port=80&metadata=nonsense"), "metadata format incorrect:nonsense");
    EXPECT_EQ(error("ip=1.1.1.1&port=70000"), "Param 'port' is illegal, the value should be between 0 and 65535.");
    // The check comes before what the call itself asks for.
    EXPECT_EQ(error("port=70000"), "Param 'port' is illegal, the value should be between 0 and 65535.");
    EXPECT_EQ(error("ip=1.1.1.1&port=80&clusterName=a+b&weight=x"),
              "Param 'cluster' is illegal, illegal characters should not appear in the param.");
}

TEST(ReadInstance, OnlyV1HasOtherNamesForClusterAndEnabled) {
    constexpr std::string_view kQuery = "ip=1.1.1.1&port=80&cluster=c1&enable=false&ephemeral=no";
    Query v1(kQuery);
    const InstanceParameters old = read_instance(v1.reader, true);
    EXPECT_EQ(old.instance.cluster, "c1");
    EXPECT_FALSE(old.instance.enabled);
    EXPECT_FALSE(old.ephemeral);
    Query v3(kQuery, Generation::kV3);
    const InstanceParameters form = read_instance(v3.reader, true);
    EXPECT_EQ(form.instance.cluster, "DEFAULT");
    EXPECT_TRUE(form.instance.enabled);
    EXPECT_FALSE(form.ephemeral);
}

// `protocol/naming.md §11`, trap 7: only words are true; `§0`: v2 and v3 bind, and refuse what is neither.
TEST(ReadInstance, Truth) {
    EXPECT_FALSE(read_instance(Query("ip=1.1.1.1&port=80&enable=1").read(), true).instance.enabled);
    Query bound("ip=1.1.1.1&port=80&enabled=1&healthy=Off", Generation::kV2);
    const InstanceParameters parsed = read_instance(bound.reader, true);
    EXPECT_TRUE(parsed.instance.enabled);
    EXPECT_FALSE(parsed.instance.healthy);
    Query neither("ip=1.1.1.1&port=80&enabled=perhaps", Generation::kV2);
    static_cast<void>(read_instance(neither.reader, true));
    EXPECT_EQ(neither.reader.failure().stage, Failure::Stage::kConversion);
    EXPECT_EQ(neither.reader.failure().status, 500);
}

TEST(Metadata, JsonOrPairs) {
    EXPECT_EQ(parse_metadata(R"({"a":1,"b":"x","c":null})"), (Metadata{{"a", "1"}, {"b", "x"}}));
    EXPECT_EQ(parse_metadata("k=v,k2=v2"), (Metadata{{"k", "v"}, {"k2", "v2"}}));
    EXPECT_EQ(parse_metadata("k=v,k=w"), (Metadata{{"k", "w"}}));
    EXPECT_EQ(parse_metadata("k=v=w"), std::nullopt);
    EXPECT_EQ(parse_metadata(""), Metadata{});
}

// `protocol/naming.md §10`: the beat of the C++ SDK has every scalar as text.
TEST(ReadBeat, TextualScalars) {
    Query q(
        "", Generation::kV1,
        R"(beat={"port":"80","ip":"1.1.1.1","weight":"1","serviceName":"DEFAULT_GROUP@@k1","cluster":"DEFAULT","scheduled":"false","metadata":{}})");
    const BeatParameters parsed = read_beat(q.reader);
    EXPECT_EQ(q.error(), "");
    EXPECT_FALSE(parsed.is_light);
    EXPECT_EQ(parsed.instance.port, 80);
    EXPECT_EQ(parsed.instance.weight, 1.0);
}

TEST(ReadBeat, LightBeatsAndWhatIsMissing) {
    const BeatParameters light = read_beat(Query("ip=5.1.1.1&port=80&clusterName=c1").read());
    EXPECT_TRUE(light.is_light);
    EXPECT_EQ(light.instance.ip, "5.1.1.1");
    EXPECT_EQ(light.instance.cluster, "c1");
    const BeatParameters full = read_beat(
        Query("clusterName=c1", Generation::kV1, R"(beat={"ip":"1.1.1.1","port":80,"metadata":null})").read());
    EXPECT_EQ(full.instance.weight, 0.0);
    EXPECT_EQ(full.instance.cluster, "c1");
    Query broken("", Generation::kV1, "beat=nonsense");
    static_cast<void>(read_beat(broken.reader));
    EXPECT_EQ(broken.reader.failure().stage, Failure::Stage::kFilter);
    EXPECT_EQ(broken.reader.failure().status, 500);
}

TEST(ReadPatch, OnlyWhatIsGiven) {
    const PatchParameters none = read_patch(Query("healthy=false").read());
    EXPECT_FALSE(none.weight || none.enabled || none.metadata);
    const PatchParameters all = read_patch(Query("weight=2.5&enabled=no&metadata=a%3Db").read());
    EXPECT_EQ(all.weight, 2.5);
    EXPECT_EQ(all.enabled, false);
    EXPECT_EQ(all.metadata, (Metadata{{"a", "b"}}));
}

TEST(ReadBatch, InstancesOrAll) {
    const auto targets = [](std::string_view instances) {
        return read_batch(Query("metadata=a%3Db&instances=" + std::string(instances)).read()).targets;
    };
    const auto found =
        targets(R"([{"ip":"1.1.1.1","port":"80","clusterName":"c1","ephemeral":false},{"ip":"b","port":1}])");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].address.cluster, "c1");
    EXPECT_EQ(found[0].address.port, 80);
    EXPECT_FALSE(found[0].ephemeral);
    EXPECT_EQ(found[1].address.cluster, "DEFAULT");
    EXPECT_TRUE(found[1].ephemeral);
    EXPECT_TRUE(targets("").empty());
    EXPECT_TRUE(targets("nonsense").empty());
    EXPECT_TRUE(targets("{}").empty());
    Query missing("");
    static_cast<void>(read_batch(missing.reader));
    EXPECT_EQ(missing.error(), "Param 'metadata' is required.");
}

TEST(ReadBatch, WhatIsTooDeepIsNotTakenForAll) {
    const std::string query = "metadata=a%3Db&instances=" + std::string(40, '[') + std::string(40, ']');
    Query deep(query);
    EXPECT_TRUE(read_batch(deep.reader).targets.empty());
    EXPECT_EQ(deep.error(), "Param 'instances' is illegal, it is nested deeper than 32 (server.max_json_depth)");
}

}  // namespace
}  // namespace pharos::naming
