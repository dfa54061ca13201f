#include "rpc/payload_codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pharos::rpc {
namespace {

using namespace std::string_literals;

// By the wire rules of protobuf: tag = field << 3 | type, lengths as varints.
// clang-format off
const std::string kKnown =
    "\x12\x1d"                       // metadata, 29 bytes
    "\x1a\x05Hello"                  //   type
    "\x42\x07" "1.2.3.4"             //   clientIp
    "\x3a\x0b\x0a\x03" "app\x12\x04" "demo"  //   headers["app"]
    "\x1a\x04"                       // body
    "\x12\x02{}"s;                   //   value

// clang-format on

TEST(PayloadCodec, DecodesAKnownFrame) {
    Payload payload;
    ASSERT_TRUE(decode(kKnown, payload));
    EXPECT_EQ(payload.type, "Hello");
    EXPECT_EQ(payload.client_ip, "1.2.3.4");
    ASSERT_EQ(payload.headers().size(), 1u);
    EXPECT_EQ(payload.headers()[0], Payload::Header("app", "demo"));
    EXPECT_EQ(payload.body, "{}");
}

TEST(PayloadCodec, EncodesAKnownFrame) {
    const std::string expected =
        "\x12\x10\x1a\x05Hello\x42\x07"
        "1.2.3.4\x1a\x04\x12\x02{}"s;
    EXPECT_EQ(encode_head("Hello", "1.2.3.4", "{}", 0), expected);
    EXPECT_EQ(encode_head("Hello", "1.2.3.4", "{", 1), expected.substr(0, expected.size() - 1));
    EXPECT_EQ(encode_head("", "", "", 0), "\x12\x00\x1a\x00"s);
}

TEST(PayloadCodec, LengthsGrowByVarints) {
    for (std::size_t size : {0u, 1u, 126u, 127u, 128u, 16383u, 16384u, 3000000u}) {
        const std::string body(size, 'x');
        const std::string frame = encode_head("T", "", "", size) + body;
        Payload payload;
        ASSERT_TRUE(decode(frame, payload)) << size;
        EXPECT_EQ(payload.body, body);
    }
}

TEST(PayloadCodec, EveryTruncationIsAnErrorOrACleanEnd) {
    for (std::size_t size = 0; size < kKnown.size(); ++size) {
        const std::string cut = kKnown.substr(0, size);  // a copy, so that a sanitizer sees reads beyond it
        Payload payload;
        const bool clean = size == 0 || size == 31;  // between the fields
        EXPECT_EQ(decode(cut, payload), clean) << size;
    }
}

TEST(PayloadCodec, FieldsComeInAnyOrderAndUnknownOnesAreSkipped) {
    const std::string metadata =
        "\x42\x01"
        "9\x1a\x01"
        "A"s;
    const std::string unknown =
        "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"  // 1: varint
        "\x21"
        "12345678"  // 4: 64 bits
        "\x2d"
        "1234"                      // 5: 32 bits
        "\x32\x03xyz"               // 6: bytes
        "\x3b\x08\x01\x43\x44\x3c"  // 7: group with a group inside
        "\x10\x05"                  // 2, but not as a message
        ""s;
    const std::string frame = "\x1a\x08\x0a\x01/\x12\x03[1]"s + unknown + "\x12\x06" + metadata;
    Payload payload;
    ASSERT_TRUE(decode(frame, payload));
    EXPECT_EQ(payload.type, "A");
    EXPECT_EQ(payload.client_ip, "9");
    EXPECT_EQ(payload.body, "[1]");
}

TEST(PayloadCodec, RepeatedFieldsMergeAndTheLastWins) {
    const std::string one =
        "\x12\x0a\x1a\x01"
        "A\x3a\x05\x0a\x01k\x12\x00"s;
    const std::string two =
        "\x12\x0e\x1a\x01"
        "B\x3a\x09\x12\x01v\x0a\x01x\x0a\x01k"s;
    const std::string frame = one +
                              "\x12\x03\x42\x01"
                              "9" +
                              two +
                              "\x1a\x03\x12\x01"
                              "1"
                              "\x1a\x03\x12\x01"
                              "2";
    Payload payload;
    ASSERT_TRUE(decode(frame, payload));
    EXPECT_EQ(payload.type, "B");
    EXPECT_EQ(payload.client_ip, "9");
    EXPECT_EQ(payload.body, "2");
    ASSERT_EQ(payload.headers().size(), 1u);
    EXPECT_EQ(payload.headers()[0], Payload::Header("k", "v"));
}

TEST(PayloadCodec, BrokenFramesAreRefused) {
    const std::string broken[] = {
        "\x00"s,                                              // field 0
        "\x07"s,                                              // wire type 7
        "\x0c"s,                                              // end of a group that never began
        "\x0b\x14"s,                                          // group ended by another one
        "\x0b"s,                                              // open group
        "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,      // a length of 2^64-1
        "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,  // a varint of 11 bytes
        "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,      // more than 64 bits
        "\x88\x80\x80\x80\x80\x01\x01"s,                      // a tag of more than 32 bits
        std::string(100, '\x0b'),                             // groups without end
    };
    for (const std::string& frame : broken) {
        Payload payload;
        EXPECT_FALSE(decode(frame, payload)) << testing::PrintToString(frame);
    }
}

TEST(PayloadCodec, HeadersAreBounded) {
    const auto with_headers = [](int count) {
        std::string metadata;
        for (int i = 0; i < count; ++i) {
            metadata += "\x3a\x04\x0a\x02"s + static_cast<char>('A' + i / 16) + static_cast<char>('A' + i % 16);
        }
        std::string frame = "\x12"s;
        frame += static_cast<char>(metadata.size() % 128 + 128);
        frame += static_cast<char>(metadata.size() / 128);
        return frame + metadata;
    };
    Payload payload;
    const std::string full = with_headers(64);
    EXPECT_TRUE(decode(full, payload));
    EXPECT_EQ(payload.headers().size(), 64u);
    EXPECT_FALSE(decode(with_headers(65), payload));
}

}  // namespace
}  // namespace pharos::rpc
