#include "model/service_metadata.hpp"

#include <gtest/gtest.h>

#include "model/instance_override.hpp"

namespace pharos::naming {
namespace {

ServiceMetadata full() {
    ServiceMetadata made;
    made.ephemeral = true;
    made.protect_threshold = 0.5;
    made.selector = {Selector::Type::kLabel, "CONSUMER.label.A=PROVIDER.label.A", {"A"}};
    made.data = {{"b", "2"}, {"a", "1"}};
    made.clusters["c1"] = {.check_port = 8080, .use_instance_port = false, .checker = {.type = "NONE"}, .data = {}};
    made.clusters["c2"].checker = {.type = "HTTP", .path = "/x", .headers = "K:v", .expected_response_code = 204};
    made.created_ms = 1795402284190;
    made.updated_ms = 1795402284191;
    return made;
}

TEST(ServiceMetadataCodec, WhatIsStoredComesBack) {
    EXPECT_EQ(decode_service_metadata(encode(full())), full());
    EXPECT_EQ(decode_service_metadata(encode(ServiceMetadata{})), ServiceMetadata{});
}

TEST(ServiceMetadataCodec, NothingElseIsRead) {
    const std::string stored = encode(full());
    for (std::size_t size = 0; size < stored.size(); ++size) {
        EXPECT_FALSE(decode_service_metadata(std::string_view(stored).substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_service_metadata(stored + '\0'));
    std::string newer = stored;
    newer[0] = 2;
    EXPECT_FALSE(decode_service_metadata(newer));
    std::string flag = stored;
    flag[1] = 7;
    EXPECT_FALSE(decode_service_metadata(flag));
}

TEST(InstanceOverrideCodec, WhatIsStoredComesBackAndNothingElse) {
    const InstanceOverride made{.weight = 8.0, .enabled = false, .data = {{"a", "b"}}};
    const std::string stored = encode(made);
    EXPECT_EQ(decode_instance_override(stored), made);
    for (std::size_t size = 0; size < stored.size(); ++size) {
        EXPECT_FALSE(decode_instance_override(std::string_view(stored).substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_instance_override(stored + "x"));
}

// A count that promises more than there is must not be believed.
TEST(InstanceOverrideCodec, AHugeCountIsRefusedAtOnce) {
    std::string stored = encode(InstanceOverride{});
    stored.replace(stored.size() - 4, 4, "\xFF\xFF\xFF\xFF");
    EXPECT_FALSE(decode_instance_override(stored));
}

// `protocol/naming.md §1.5`: weight and enabled are replaced, data is merged over the publisher's and wins by key.
TEST(InstanceOverride, Merge) {
    Instance reported;
    reported.ip = "1.1.1.1";
    reported.weight = 5.0;
    reported.metadata = {{"a", "published"}, {"b", "published"}};
    const Instance merged = merge(reported, {.weight = 1.0, .enabled = false, .data = {{"b", "set"}, {"c", "set"}}});
    EXPECT_EQ(merged.weight, 1.0);
    EXPECT_FALSE(merged.enabled);
    EXPECT_EQ(merged.metadata, (Metadata{{"a", "published"}, {"b", "set"}, {"c", "set"}}));
    EXPECT_EQ(merged.ip, "1.1.1.1");
}

std::string json_of(const auto& value) {
    std::string out;
    sdk::JsonWriter json(out);
    append_json(json, value);
    return out;
}

// Known answers: `protocol/naming.md §4.3`.
TEST(HealthChecker, Json) {
    for (const char* text : {R"({"type":"TCP"})", R"({"type":"NONE"})",
                             R"({"type":"HTTP","path":"/x","headers":"K:v|K2:v2","expectedResponseCode":200})",
                             R"({"type":"MYSQL","user":"u","pwd":"p","cmd":"select 1"})"}) {
        spi::Result<HealthChecker> checker = parse_health_checker(text);
        ASSERT_TRUE(checker) << text;
        EXPECT_EQ(json_of(*checker), text);
    }
    EXPECT_EQ(parse_health_checker("{}")->type, "NONE");
    EXPECT_EQ(json_of(*parse_health_checker("{}")), R"({"type":"NONE"})");
    EXPECT_FALSE(parse_health_checker("TCP"));
}

TEST(HealthChecker, NumbersThatAreNoneOrOutOfRangeAreRefused) {
    for (const char* given : {R"("abc")", "2147483648", "-2147483649", "5000000000", "1e300", "[200]"}) {
        auto checker = parse_health_checker(R"({"type":"HTTP","expectedResponseCode":)" + std::string(given) + "}");
        ASSERT_FALSE(checker) << given;
        EXPECT_EQ(checker.error().code(), spi::Code::kInvalidArgument);
        const std::string shown = given == std::string("1e300") ? "1E300" : given;
        EXPECT_EQ(checker.error().message(),
                  "expectedResponseCode should be a whole number between -2147483648 and 2147483647. (current: " +
                      shown + ")");
    }
    for (const std::int32_t good : {2147483647, -2147483647 - 1, 0}) {
        auto checker = parse_health_checker(R"({"type":"HTTP","expectedResponseCode":)" + std::to_string(good) + "}");
        ASSERT_TRUE(checker) << good;
        EXPECT_EQ(checker->expected_response_code, good);
    }
    // To a check of another type it is a member as any other.
    EXPECT_TRUE(parse_health_checker(R"({"type":"TCP","expectedResponseCode":"abc"})"));
    EXPECT_EQ(json_of(*parse_health_checker(R"({"type":"REDIS","expectedResponseCode":"+PONG"})")),
              R"({"type":"REDIS","expectedResponseCode":"+PONG"})");
}

// What only a plugin's check understands survives: members, their order, numbers as they are written.
TEST(HealthChecker, OfATypeOfAPluginIsKeptAsItCame) {
    spi::Result<HealthChecker> checker = parse_health_checker(
        "{ \"type\" : \"REDIS\",\n\t\"password\":\"a \\\" b\", \"share\": 1.50, \"db\":[1, {\"x\": null}] }");
    ASSERT_TRUE(checker);
    EXPECT_EQ(checker->type, "REDIS");
    const char* const of_mysql = R"({"type":"MYSQL","user":"u","version":"8.0"})";
    EXPECT_EQ(json_of(*parse_health_checker(of_mysql)), of_mysql);
    EXPECT_EQ(json_of(*parse_health_checker(R"({"type":"MYSQL","user":"u"})")),
              R"({"type":"MYSQL","user":"u","pwd":"","cmd":""})");
    const char* const kept = R"({"type":"REDIS","password":"a \" b","share":1.50,"db":[1,{"x":null}]})";
    EXPECT_EQ(json_of(*checker), kept);

    ServiceMetadata metadata;
    metadata.clusters["c1"].checker = *checker;
    metadata.clusters["c2"].check_port = 81;
    const std::string stored = encode(metadata);
    EXPECT_EQ(stored[0], 2);
    ASSERT_TRUE(decode_service_metadata(stored));
    EXPECT_EQ(*decode_service_metadata(stored), metadata);
    // What has none of it is what older servers read.
    metadata.clusters.erase("c1");
    EXPECT_EQ(encode(metadata)[0], 1);
    std::string wrong = encode(metadata);
    wrong[0] = 3;
    EXPECT_FALSE(decode_service_metadata(wrong));
}

// Known answers: `protocol/naming.md §1.7`.
TEST(Selector, Json) {
    EXPECT_EQ(json_of(Selector{}), R"({"type":"none","contextType":"NONE"})");
    auto label = parse_selector(R"({"type":"label","expression":"CONSUMER.label.A=PROVIDER.label.A"})");
    ASSERT_TRUE(label.is_ok());
    EXPECT_EQ(
        json_of(label.value()),
        R"({"type":"label","expression":"CONSUMER.label.A=PROVIDER.label.A","labels":["A"],"contextType":"CMDB"})");
}

TEST(Selector, Parse) {
    EXPECT_EQ(parse_selector("").value(), Selector{});
    EXPECT_EQ(parse_selector(R"({"type":"none"})").value(), Selector{});
    auto twice = parse_selector(R"({"type":"label","expression":" CONSUMER.label.A = PROVIDER.label.A & )"
                                R"(CONSUMER.label.B=PROVIDER.label.B"})");
    ASSERT_TRUE(twice.is_ok());
    EXPECT_EQ(twice.value().labels, (std::vector<std::string>{"A", "B"}));
    // Encoded as a URL once more.
    EXPECT_EQ(parse_selector("%7B%22type%22%3A%22none%22%7D").value(), Selector{});
    for (const char* wrong : {"{}", R"({"type":"other"})", "nonsense"}) {
        const auto refused = parse_selector(wrong);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().code(), spi::Code::kInvalidArgument);
        EXPECT_EQ(refused.error().message(), "not match any type of selector!");
    }
    for (const char* wrong : {"CONSUMER.label.A=PROVIDER.label.B", "A=B", "CONSUMER.label.A",
                              "CONSUMER.label.=PROVIDER.label.", "CONSUMER.label.A=PROVIDER.label.A&"}) {
        const auto refused = parse_selector(R"({"type":"label","expression":")" + std::string(wrong) + "\"}");
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().code(), spi::Code::kInternal);
        EXPECT_EQ(refused.error().message(), "Selector parses failed: parse expression failed!");
    }
}

}  // namespace
}  // namespace pharos::naming
