#include "http/request_decoder.hpp"

#include <gtest/gtest.h>

namespace pharos::http {
namespace {

using Progress = RequestDecoder::Progress;

int status_of(const std::string& input, DecoderLimits limits = {}) {
    RequestDecoder decoder(limits);
    switch (decoder.decode(input.data(), input.size())) {
        case Progress::kComplete: return 200;
        case Progress::kFailed: return decoder.failure();
        case Progress::kNeedMore: return 0;
    }
    return -1;
}

void check(const std::string& input, std::string_view body, std::size_t headers) {
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        RequestDecoder decoder({});
        std::string kept = input.substr(0, cut);
        Progress progress = decoder.decode(kept.data(), kept.size());
        if (cut < input.size()) {
            ASSERT_EQ(Progress::kNeedMore, progress) << cut;
            kept.resize(decoder.compact(kept.data(), kept.size()));
            std::string moved = kept + input.substr(cut);  // another place in memory
            kept = std::string(200, 'x');
            kept = std::move(moved);
            progress = decoder.decode(kept.data(), kept.size());
        }
        ASSERT_EQ(Progress::kComplete, progress) << cut << " " << decoder.reason();
        EXPECT_EQ(kept.size(), decoder.consumed()) << cut;
        spi::HttpRequest request;
        ASSERT_TRUE(decoder.request(kept.data(), request));
        EXPECT_EQ("/nacos/v1?x=y", request.target);
        EXPECT_EQ(body, request.body) << cut;
        EXPECT_EQ(headers, request.headers.size());
        EXPECT_EQ("value", request.header("x-name")) << cut;
    }
}

TEST(RequestDecoderTest, CutAnywhere) {
    check("GET /nacos/v1?x=y HTTP/1.1\r\nHost: h\r\nX-Name:  value \r\n\r\n", "", 2);
    check("POST /nacos/v1?x=y HTTP/1.1\r\nX-Name: value\r\nContent-Length: 5\r\n\r\nhello", "hello", 2);
    check(
        "PUT /nacos/v1?x=y HTTP/1.1\r\nX-Name: value\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n",
        "abcdefg", 2);
}

TEST(RequestDecoderTest, ByteByByte) {
    const std::string input = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nU: x\r\n\r\n";
    RequestDecoder decoder({});
    std::string kept;
    for (std::size_t i = 0; i < input.size(); ++i) {
        kept += input[i];
        const Progress expected = i + 1 == input.size() ? Progress::kComplete : Progress::kNeedMore;
        ASSERT_EQ(expected, decoder.decode(kept.data(), kept.size())) << i;
        if (expected == Progress::kNeedMore) {
            kept.resize(decoder.compact(kept.data(), kept.size()));
        }
    }
}

TEST(RequestDecoderTest, Malformed) {
    EXPECT_EQ(400, status_of("GET\r\n\r\n"));
    EXPECT_EQ(400, status_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"));
    EXPECT_EQ(400, status_of("GET / HTTP/1.1\r\nname : v\r\n\r\n"));
    EXPECT_EQ(400, status_of("GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n"));
    EXPECT_EQ(400, status_of("GET /\x01 HTTP/1.1\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n"));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"));
    EXPECT_EQ(505, status_of("GET / HTTP/2.0\r\n\r\n"));
    EXPECT_EQ(400, status_of("\x16\x03\x01\x02"));
}

TEST(RequestDecoderTest, Limits) {
    const DecoderLimits small{.header_bytes = 256, .headers = 3, .body_bytes = 8};
    EXPECT_EQ(200, status_of("GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", small));
    EXPECT_EQ(431, status_of("GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", small));
    EXPECT_EQ(431, status_of("GET / HTTP/1.1\r\na: " + std::string(300, 'x') + "\r\n\r\n", small));
    EXPECT_EQ(431, status_of("GET /" + std::string(300, 'x'), small));
    EXPECT_EQ(413, status_of("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", small));
    EXPECT_EQ(413,
              status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n", small));
    EXPECT_EQ(400, status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'x')));
}

TEST(RequestDecoderTest, WhatExceedsALimitIsCounted) {
    spi::Counter header_bytes;
    spi::Counter headers;
    spi::Counter body_bytes;
    const DecoderLimits small{.header_bytes = 256,
                              .headers = 3,
                              .body_bytes = 8,
                              .refused_header_bytes = &header_bytes,
                              .refused_headers = &headers,
                              .refused_body_bytes = &body_bytes};
    EXPECT_EQ(400, status_of("GET\r\n\r\n", small));
    EXPECT_EQ(431, status_of("GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", small));
    EXPECT_EQ(431, status_of("GET /" + std::string(300, 'x'), small));
    EXPECT_EQ(431, status_of("GET / HTTP/1.1\r\na: " + std::string(300, 'x') + "\r\n\r\n", small));
    EXPECT_EQ(413, status_of("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", small));
    EXPECT_EQ(headers.value(), 1u);
    EXPECT_EQ(header_bytes.value(), 2u);
    EXPECT_EQ(body_bytes.value(), 1u);
}

TEST(RequestDecoderTest, HeaderLimitHoldsForTrickledFields) {
    RequestDecoder decoder({.header_bytes = 512, .headers = 200, .body_bytes = 8});
    std::string kept = "GET / HTTP/1.1\r\n";
    Progress progress = Progress::kNeedMore;
    while (progress == Progress::kNeedMore && kept.size() < 2048) {
        kept += "name: value\r\n";
        progress = decoder.decode(kept.data(), kept.size());
    }
    EXPECT_EQ(Progress::kFailed, progress);
    EXPECT_EQ(431, decoder.failure());
    EXPECT_LT(kept.size(), 600u);
}

TEST(RequestDecoderTest, KeepAlive) {
    const auto keep_alive = [](const std::string& input) {
        RequestDecoder decoder({});
        EXPECT_EQ(Progress::kComplete, decoder.decode(input.data(), input.size()));
        return decoder.keep_alive();
    };
    EXPECT_TRUE(keep_alive("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_FALSE(keep_alive("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
    EXPECT_FALSE(keep_alive("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(keep_alive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

}  // namespace
}  // namespace pharos::http
