#include "crc32c.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sealed.hpp"

namespace pharos::storage_lmdb {
namespace {

// RFC 3720, B.4.
TEST(Crc32c, KnownValues) {
    std::string counting;
    for (int i = 0; i < 32; ++i) {
        counting.push_back(static_cast<char>(i));
    }
    for (auto* crc : {crc32c, crc32c_portable}) {
        EXPECT_EQ(crc(0, std::string(32, '\0')), 0x8A9136AAu);
        EXPECT_EQ(crc(0, std::string(32, '\xFF')), 0x62A8AB43u);
        EXPECT_EQ(crc(0, counting), 0x46DD794Eu);
        EXPECT_EQ(crc(0, "123456789"), 0xE3069283u);
        EXPECT_EQ(crc(0, ""), 0u);
    }
}

TEST(Crc32c, GoesOnWhereItStopped) {
    const std::string text = "What was written is what is read, or nothing is.";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_EQ(crc32c(crc32c(0, text.substr(0, cut)), text.substr(cut)), crc32c_portable(0, text)) << cut;
    }
}

TEST(Seal, HoldsForItsKeyAndItsBytesOnly) {
    std::string sealed(kSealBytes, '\0');
    sealed += "headbody";
    write_seal(sealed.data(), seal_of("key", "head", "body"));
    EXPECT_EQ(open_seal("key", sealed), "headbody");
    EXPECT_FALSE(open_seal("kez", sealed));
    EXPECT_FALSE(open_seal("key", sealed.substr(0, sealed.size() - 1)));
    EXPECT_FALSE(open_seal("key", "abc"));
    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
        std::string flipped = sealed;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
        EXPECT_FALSE(open_seal("key", flipped)) << bit;
    }
}

}  // namespace
}  // namespace pharos::storage_lmdb
