#include "cli/server.hpp"

#include <gtest/gtest.h>

namespace pharos::cli {
namespace {

void expect(std::string_view text, const std::string& host, const std::string& port, const std::string& context) {
    const spi::Result<Endpoint> endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text << ": " << endpoint.error().message();
    EXPECT_EQ(endpoint.value().host, host) << text;
    EXPECT_EQ(endpoint.value().port, port) << text;
    EXPECT_EQ(endpoint.value().context, context) << text;
}

void expect_refused(std::string_view text, const std::string& why) {
    const spi::Result<Endpoint> endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code(), spi::Code::kInvalidArgument) << text;
    EXPECT_NE(endpoint.error().message().find(why), std::string::npos) << endpoint.error().message();
}

TEST(ParseEndpoint, TakesWhatPeopleWrite) {
    expect("registry", "registry", "8848", "/nacos");
    expect("registry:80", "registry", "80", "/nacos");
    expect("10.0.0.1:8848", "10.0.0.1", "8848", "/nacos");
    expect("[::1]:9000", "::1", "9000", "/nacos");
    expect("[fd00::1]", "fd00::1", "8848", "/nacos");
    expect("http://registry", "registry", "8848", "/nacos");
    expect("http://registry:1234/", "registry", "1234", "/nacos");
    expect("http://registry/other/path/", "registry", "8848", "/other/path");
    EXPECT_EQ(parse_endpoint("[::1]:9000").value().text(), "http://[::1]:9000");
}

TEST(ParseEndpoint, SaysWhatIsWrong) {
    expect_refused("https://registry", "TLS");
    expect_refused("ftp://registry", "http://");
    expect_refused("registry:", "not a port");
    expect_refused("registry:0", "not a port");
    expect_refused("registry:65536", "not a port");
    expect_refused("registry:http", "not a port");
    expect_refused("::1", "brackets");
    expect_refused("[::1", "']'");
    expect_refused("", "no host");
    expect_refused(":8848", "no host");
    expect_refused("a b:8848", "no host");
}

}  // namespace
}  // namespace pharos::cli
