#include <gtest/gtest.h>

#include <pharos/protocol/multipart.hpp>
#include <pharos/protocol/params.hpp>

namespace pharos::protocol {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=XX";

TEST(Multipart, FieldsAndFiles) {
    const auto parts = parse_multipart(
        "Multipart/Form-Data; charset=UTF-8; boundary=\"X;X\"",
        "before\r\n--X;X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1 + 1\r\n--X;X\r\n"
        "content-type: text/plain\r\ncontent-disposition: form-data; filename=f.zip; name=\"file\"\r\n\r\n\r\n--X\r\n\r\n"
        "--X;X\r\nContent-Disposition: form-data; name=e\r\n\r\n\r\n--X;X--\r\nafter");
    ASSERT_EQ(parts.size(), 3u);
    EXPECT_EQ(parts[0].name, "a");
    EXPECT_EQ(parts[0].content, "1 + 1");
    EXPECT_FALSE(parts[0].is_file);
    EXPECT_EQ(parts[1].name, "file");
    EXPECT_EQ(parts[1].file_name, "f.zip");
    EXPECT_TRUE(parts[1].is_file);
    EXPECT_EQ(parts[1].content, "\r\n--X\r\n");
    EXPECT_EQ(parts[2].name, "e");
    EXPECT_EQ(parts[2].content, "");
}

TEST(Multipart, MalformedBodiesEndTheReading) {
    EXPECT_TRUE(parse_multipart("text/plain; boundary=XX", "--XX\r\n").empty());
    EXPECT_TRUE(parse_multipart("multipart/form-data", "--XX\r\n").empty());
    EXPECT_TRUE(parse_multipart("multipart/form-data; boundary=", "--\r\n").empty());
    for (const std::string_view body : {"", "--XX", "--XX\r\n", "--XX--", "--XX\r\nA: b\r\n\r\nx\r\n--XX--",
                                        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nno end",
                                        "--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--"}) {
        EXPECT_TRUE(parse_multipart(kType, body).empty()) << body;
    }
}

TEST(Multipart, TheNumberOfPartsIsBounded) {
    std::string body = "--XX";
    for (int i = 0; i < 10; ++i) {
        body += "\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--XX";
    }
    EXPECT_EQ(parse_multipart(kType, body, 3).size(), 3u);
}

TEST(Multipart, TheBoundaryIsBounded) {
    const auto parts_with = [](std::size_t length) {
        const std::string boundary(length, 'b');
        const std::string body =
            "--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--" + boundary;
        return parse_multipart("multipart/form-data; boundary=" + boundary, body).size();
    };
    EXPECT_EQ(parts_with(70), 1u);
    EXPECT_EQ(parts_with(71), 0u);
}

// Trap 32 of `protocol/core.md`: multipart fields are parameters, after those of the query.
TEST(Multipart, FieldsAreParametersAndNotDecoded) {
    spi::HttpRequest request;
    const spi::HttpHeader headers[] = {{"content-type", kType}};
    request.headers = headers;
    request.query = "a=query";
    request.body =
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nbody\r\n"
        "--XX\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n1+1%20\r\n"
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nbytes\r\n--XX--\r\n";
    const Params params(request);
    EXPECT_EQ(params.get("a"), "query");
    EXPECT_EQ(params.find("b"), "1+1%20");
    EXPECT_FALSE(params.find("file"));
}

}  // namespace
}  // namespace pharos::protocol
