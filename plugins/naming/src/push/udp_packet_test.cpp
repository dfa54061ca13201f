#include "push/udp_packet.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include "push/udp_agent.hpp"

namespace pharos::naming {
namespace {

constexpr std::int64_t kId = 1'448'414'130'399'123;

std::string packet(std::string_view info, std::int64_t id = kId) {
    const UdpPacket made(info);
    return made.head() + made.tail(id);
}

/// As clients unpack: one gzip stream, whole, with a checksum that is right.
std::string unpacked(const std::string& bytes) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    std::string out(16 << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    EXPECT_EQ(stream.avail_in, 0u);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

// `protocol/naming.md §10`, UDP packet (small).
TEST(UdpPacket, ASmallOneIsPlainText) {
    EXPECT_EQ(
        packet(R"({"name":"DEFAULT_GROUP@@ud1","hosts":[]})"),
        R"({"type":"dom","data":"{\"name\":\"DEFAULT_GROUP@@ud1\",\"hosts\":[]}","lastRefTime":1448414130399123})");
}

// `protocol/naming.md §5`: from 1,024 bytes of JSON on the whole packet is compressed.
TEST(UdpPacket, IsCompressedFrom1024Bytes) {
    const std::size_t frame = packet("").size();
    const std::string below(1023 - frame, 'a');
    const std::string at(1024 - frame, 'a');
    EXPECT_EQ(packet(below).size(), 1023u);
    EXPECT_TRUE(packet(below).starts_with("{"));
    EXPECT_TRUE(packet(at).starts_with("\x1f\x8b"));
    EXPECT_EQ(unpacked(packet(at)), R"({"type":"dom","data":")" + at + R"(","lastRefTime":1448414130399123})");
}

TEST(UdpPacket, OneHeadServesEveryId) {
    std::string info;
    for (int i = 0; info.size() < 200'000; ++i) {
        info += R"({"ip":"10.0.)" + std::to_string(i * 7919 % 65536) + R"("},)";
    }
    const UdpPacket made(info);
    EXPECT_TRUE(made.fits());
    for (const std::int64_t id : {kFirstUdpId, kId, kLastUdpId}) {
        const std::string text = unpacked(made.head() + made.tail(id));
        EXPECT_TRUE(text.ends_with(R"(","lastRefTime":)" + std::to_string(id) + "}"));
    }
}

TEST(UdpPacket, KnowsWhatADatagramHolds) {
    std::string info;
    std::uint32_t noise = 1;
    while (info.size() < 120'000) {
        noise = noise * 1664525u + 1013904223u;
        info += static_cast<char>('!' + noise % 90);
    }
    EXPECT_FALSE(UdpPacket(info).fits());
}

// `protocol/naming.md §5`, trap 39: as text or as a number, whatever the type says.
TEST(UdpAck, IsTakenInEveryForm) {
    EXPECT_EQ(parse_udp_ack(R"({"type":"push-ack","lastRefTime":"1448414130399123","data":""})"), kId);
    EXPECT_EQ(parse_udp_ack(R"({"type":"push-ack","lastRefTime":1448414130399123,"data":""})"), kId);
    EXPECT_EQ(parse_udp_ack(R"({"type":"dump-ack","lastRefTime":"1448414130399123","data":"{}"})"), kId);
    EXPECT_EQ(parse_udp_ack(R"({"type":"unknown-ack","lastRefTime":1.448414130399123e15})"), kId);
    // Node reads it as a double and writes it back: exact for every id.
    EXPECT_EQ(static_cast<std::int64_t>(static_cast<double>(kLastUdpId)), kLastUdpId);
    EXPECT_EQ(parse_udp_ack(R"({"lastRefTime":8999999999999999})"), kLastUdpId);
}

TEST(UdpAck, AnythingElseIsNone) {
    for (const char* text :
         {"", "{", "null", "[]", "push-ack", R"({"type":"push-ack"})", R"({"lastRefTime":null})",
          R"({"lastRefTime":""})", R"({"lastRefTime":"12x"})", R"({"lastRefTime":-1})", R"({"lastRefTime":1e400})",
          R"({"lastRefTime":{}})", R"({"lastRefTime":9223372036854775807})", R"({"lastRefTime":1795402384342})"}) {
        EXPECT_EQ(parse_udp_ack(text), std::nullopt) << text;
    }
    EXPECT_EQ(parse_udp_ack(R"({"lastRefTime":1448414130399123,"data":")" + std::string(2000, 'x') + "\"}"),
              std::nullopt);
}

// `protocol/naming.md §5`, the table of agents, and trap 41.
TEST(UdpAgent, OnlyKindsAndVersionsThatKnowUdpAreTold) {
    const SwitchDomain oldest;
    for (const char* agent :
         {"Nacos-Java-Client:v1.4.6", "Nacos-Java-Client:v0.1.0", "Nacos-Java-Client:v2.0.0-SNAPSHOT",
          "Nacos-Go-Client:v1.0.1", "Nacos-C-Client:v1.0.21", "vip-client4cpp:v1.0.12", "Nacos-CSharp-Client:v0.9.0",
          "Nacos-DNS:v0.4.3", "Nacos-Java-Client:v1"}) {
        EXPECT_TRUE(is_told_by_udp(agent, oldest)) << agent;
    }
    for (const char* agent :
         {"", "Nacos-Java-Client", "Nacos-Java-Client:1.4.6", "Nacos-Java-Client:v", "Nacos-Java-Client:vx",
          "Nacos-Java-Client:v0.0.9", "Nacos-C-Client:v1.0.11", "Nacos-CSharp-Client:v0.8.9", "Nacos-DNS:v0.4.2",
          "Nacos-Python-Client:v1.0.0", "Nacos-SDK-Java:v1.0.0", "unit-nginx:v1.0.0", "curl/8.0",
          "Nacos-Java-Client:v99999999999.0.0", "Nacos-Java-Client:v-1.0.0"}) {
        EXPECT_FALSE(is_told_by_udp(agent, oldest)) << agent;
    }
    SwitchDomain newer;
    newer.push_version_java = "1.4.7";
    EXPECT_FALSE(is_told_by_udp("Nacos-Java-Client:v1.4.6", newer));
    EXPECT_TRUE(is_told_by_udp("Nacos-Java-Client:v1.10.0", newer));
}

}  // namespace
}  // namespace pharos::naming
