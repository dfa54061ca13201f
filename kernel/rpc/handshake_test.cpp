#include "rpc/handshake.hpp"

#include <gtest/gtest.h>

#include <string>

#include "rpc/test_support.hpp"

namespace pharos::rpc {
namespace {

using test::Fixture;
using test::frame;
using test::shown;

TEST(Handshake, ReadsASetup) {
    spi::ConnectionInfo info;
    const std::string_view body = R"({"headers":{},"clientVersion":"Nacos-Java-Client:v3.0.0","tenant":"dev",
        "clientAbilities":{},"labels":{"module":"config","AppName":"shop","n":null},
        "abilityTable":{"lock":true,"mcp":false},"module":"internal"})";
    ASSERT_TRUE(parse_setup(body, info));
    EXPECT_EQ(info.client_version, "Nacos-Java-Client:v3.0.0");
    EXPECT_EQ(info.namespace_id, "dev");
    EXPECT_EQ(info.app_name, "shop");
    EXPECT_EQ(info.label("module"), "config");
    EXPECT_EQ(info.labels.size(), 2u);
    EXPECT_TRUE(info.has_ability_table);
    EXPECT_EQ(info.abilities, (std::map<std::string, bool>{{"lock", true}, {"mcp", false}}));
}

TEST(Handshake, LabelsAndAbilitiesMayBeAbsent) {
    spi::ConnectionInfo info;
    ASSERT_TRUE(parse_setup(R"({"abilityTable":null})", info));
    EXPECT_EQ(info.app_name, "-");
    EXPECT_FALSE(info.has_ability_table);
    ASSERT_TRUE(parse_setup(R"({"abilityTable":{}})", info));
    EXPECT_TRUE(info.has_ability_table);
}

TEST(Handshake, RefusesWhatIsNoSetupOrTooMuch) {
    std::string many = R"({"labels":{)";
    for (int i = 0; i < 200; ++i) {
        many += '"' + std::to_string(i) + R"(":"",)";
    }
    many += R"("x":""}})";
    for (const std::string& body :
         {std::string(), std::string("null"), std::string("[]"), std::string("{"), many,
          R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}", '{' + std::string(70000, ' ') + '}'}) {
        spi::ConnectionInfo info;
        EXPECT_FALSE(parse_setup(body, info)) << body.substr(0, 80);
    }
}

TEST(Handshake, JudgesAcksByResultCodeThenSuccess) {
    const std::pair<const char*, bool> cases[] = {
        {R"({"requestId":"7","resultCode":200})", true},
        {R"({"requestId":"7","resultCode":200,"success":false})", true},
        {R"({"requestId":"7","resultCode":500,"success":true})", false},
        {R"({"requestId":"7"})", true},
        {R"({"requestId":"7","success":true})", true},
        {R"({"requestId":"7","success":false})", false},
        {R"({"requestId":"7","resultCode":null,"success":false})", false},
        {R"({"requestId":7,"resultCode":200})", true},
    };
    for (const auto& [body, success] : cases) {
        const std::optional<Ack> ack = parse_ack(body);
        ASSERT_TRUE(ack) << body;
        EXPECT_EQ(ack->request, 7u) << body;
        EXPECT_EQ(ack->success, success) << body;
    }
    EXPECT_EQ(parse_ack(R"({"requestId":"x7"})")->request, 0u);
    EXPECT_EQ(parse_ack(R"({"requestId":-7})")->request, 0u);
    EXPECT_EQ(parse_ack("{}")->request, 0u);
    EXPECT_FALSE(parse_ack("7"));
}

TEST(Handshake, RegistersAndTellsWhatIsKnown) {
    Fixture f;
    const ConnectionNumber number = f.join(R"({"clientVersion":"v","tenant":"ns","labels":{"module":"config"}})");
    const spi::ConnectionPtr info = f.server.find(number);
    ASSERT_NE(info, nullptr);
    EXPECT_EQ(info->number, number);
    EXPECT_EQ(info->id, "1700001000000_10.1.1.1_40001");
    EXPECT_EQ(info->client_ip, "10.9.8.7");
    EXPECT_EQ(info->remote_ip, "10.1.1.1");
    EXPECT_EQ(info->remote_port, 40001);
    EXPECT_EQ(info->local_port, Fixture::kSdkPort);
    EXPECT_EQ(info->created_ms, 1700001000000);
    EXPECT_EQ(f.server.list().size(), 1u);
    EXPECT_TRUE(f.transport.received(number).empty()) << "no ack without a table of abilities";
    EXPECT_EQ(f.metrics.read("pharos_rpc_connections module=config"), 1);
    f.transport.hang_up(number);
    EXPECT_EQ(f.server.find(number), nullptr);
    EXPECT_EQ(f.metrics.read("pharos_rpc_connections module=config"), 0);
}

TEST(Handshake, AcksATableWithWhatIsAnnouncedOnly) {
    Fixture f;
    const auto lock = f.server.ability("lock");
    auto watch = f.server.ability("fuzzyWatch");
    const auto again = f.server.ability("lock");
    const ConnectionNumber one = f.join(R"({"abilityTable":{}})");
    const std::vector<std::string> got = f.transport.received(one);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(shown(got[0]),
              R"(SetupAckRequest {"headers":{},"abilityTable":{"fuzzyWatch":true,"lock":true},"module":"internal"})");
    Payload payload;
    ASSERT_TRUE(decode(got[0], payload));
    EXPECT_EQ(payload.client_ip, "10.0.0.1");

    watch.reset();
    const ConnectionNumber two = f.join(R"({"abilityTable":{"x":true}})");
    EXPECT_EQ(shown(f.transport.received(two).at(0)),
              R"(SetupAckRequest {"headers":{},"abilityTable":{"lock":true},"module":"internal"})");
}

TEST(Handshake, ASecondSetupAcksButChangesNothing) {
    Fixture f;
    test::Recorder recorder;
    const auto observing = f.server.observe(recorder);
    const ConnectionNumber number = f.join(R"({"clientVersion":"one"})");
    f.transport.stream(number, frame("ConnectionSetupRequest", R"({"clientVersion":"two","abilityTable":{}})"));
    EXPECT_EQ(f.server.find(number)->client_version, "one");
    EXPECT_FALSE(f.server.find(number)->has_ability_table);
    EXPECT_EQ(f.transport.received(number).size(), 1u);
    EXPECT_EQ(recorder.heard().size(), 1u);
}

TEST(Handshake, AStartingServerClosesTheConnection) {
    Fixture f(false);
    const ConnectionNumber number = f.join();
    EXPECT_FALSE(f.transport.is_open(number));
    EXPECT_TRUE(f.server.list().empty());
}

TEST(Handshake, WhatIsNoSetupOrAckIsDroppedAndTheStreamStays) {
    Fixture f;
    const ConnectionNumber number = f.connect();
    f.transport.open_stream(number);
    f.transport.stream(number, "\xff\xff not a payload");
    f.transport.stream(number, frame("ConnectionSetupRequest", "not json"));
    f.transport.stream(number, frame("ConfigQueryRequest", "{}"));
    f.transport.stream(number, frame("ConfigQueryResponse", "not json"));
    f.transport.stream(number, frame("", ""));
    EXPECT_EQ(f.server.find(number), nullptr);
    f.transport.stream(number, frame("ConnectionSetupRequest", "{}"));
    EXPECT_NE(f.server.find(number), nullptr);
}

}  // namespace
}  // namespace pharos::rpc
