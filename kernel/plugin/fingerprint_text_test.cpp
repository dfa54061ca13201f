#include "plugin/fingerprint_text.hpp"

#include <gtest/gtest.h>

namespace pharos::plugin {
namespace {

constexpr std::string_view kOurs = "gcc12;c++202002L;cxx11abi1;stldebug0;sanitizer=none;spi=00ff";

TEST(FingerprintText, NamesEachFieldThatDiffers) {
    EXPECT_EQ(explain_difference(kOurs, kOurs), "");
    EXPECT_EQ(explain_difference("gcc11;c++202002L;cxx11abi1;stldebug0;sanitizer=none;spi=00ff", kOurs),
              "the compiler is gcc 11, this server's gcc 12");
    EXPECT_EQ(explain_difference("gcc12;c++201703L;cxx11abi0;stldebug1;sanitizer=asan;spi=00ff", kOurs),
              "the language is C++ 201703L, this server's C++ 202002L; _GLIBCXX_USE_CXX11_ABI (std::string) is 0, this "
              "server's 1; _GLIBCXX_DEBUG is 1, this server's 0; the sanitizer is asan, this server's none");
    EXPECT_EQ(explain_difference("gcc12;c++202002L;cxx11abi1;stldebug0;sanitizer=none;spi=aaaa", kOurs),
              "the SDK's interface headers have the digest aaaa, this server's 00ff");
}

TEST(FingerprintText, OneOfAnotherShape) {
    EXPECT_EQ(explain_difference("gcc12;c++202002L;cxx11abi1;stldebug0;sanitizer=none", kOurs),
              "the SDK's interface headers have the digest not told, this server's 00ff");
    EXPECT_EQ(explain_difference(std::string(kOurs) + ";more", kOurs),
              "its fingerprint is '" + std::string(kOurs) + ";more', this server's '" + std::string(kOurs) + "'");
}

}  // namespace
}  // namespace pharos::plugin
