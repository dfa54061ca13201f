#include <gtest/gtest.h>

#include "app/addresses.hpp"

namespace pharos::app {
namespace {

TEST(Addresses, Kinds) {
    EXPECT_TRUE(is_loopback("127.0.0.1"));
    EXPECT_TRUE(is_loopback("127.8.8.8"));
    EXPECT_TRUE(is_loopback("::1"));
    EXPECT_FALSE(is_loopback("0.0.0.0"));
    EXPECT_FALSE(is_loopback("::"));
    EXPECT_TRUE(is_numeric("10.0.0.1"));
    EXPECT_FALSE(is_numeric("localhost"));
    EXPECT_TRUE(can_bind("127.0.0.1"));
    EXPECT_FALSE(can_bind("203.0.113.77"));
    EXPECT_TRUE(is_numeric(own_address()));
}

TEST(Addresses, ExposureWithoutLoginNeedsConsent) {
    EXPECT_TRUE(check_exposure({"127.0.0.1", "::1"}, false, false));
    EXPECT_TRUE(check_exposure({"0.0.0.0"}, false, true));
    EXPECT_TRUE(check_exposure({"0.0.0.0"}, true, false));
    const spi::Status refused = check_exposure({"127.0.0.1", "0.0.0.0"}, false, false);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.message().find("--open"), std::string::npos);
    EXPECT_NE(refused.message().find("0.0.0.0"), std::string::npos);
}

}  // namespace
}  // namespace pharos::app
