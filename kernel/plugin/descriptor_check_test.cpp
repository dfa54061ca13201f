#include "plugin/descriptor_check.hpp"

#include <gtest/gtest.h>

#include "plugin/elf_test_support.hpp"

namespace pharos::plugin {
namespace {

std::string error_of(const PluginImage& image, DescriptorText* text = nullptr) {
    const std::string bytes = image.build();
    const auto file = ElfFile::read(bytes);
    if (!file) {
        return "no file: " + file.error().message();
    }
    DescriptorText own;
    return read_descriptor(file.value(), text != nullptr ? *text : own).message();
}

template <class Change>
std::string error_with(Change change) {
    PluginImage image;
    change(image);
    return error_of(image);
}

TEST(DescriptorCheck, ReadsAllThatIsInIt) {
    for (const bool packed : {false, true}) {
        PluginImage image;
        image.packed = packed;
        DescriptorText text;
        ASSERT_EQ(error_of(image, &text), "");
        EXPECT_EQ(text.name, "x");
        EXPECT_EQ(text.version, "1");
        EXPECT_EQ(text.fingerprint, PHAROS_FINGERPRINT);
        EXPECT_EQ(text.provides, (std::vector<std::string>{"test.A/1"}));
        EXPECT_EQ(text.requires_, (std::vector<std::string>{"test.B/1", "test.C/2?"}));
        ASSERT_EQ(text.settings.size(), 1u);
        EXPECT_EQ(text.settings[0].key, "window");
        EXPECT_EQ(text.settings[0].type, spi::SettingType::kDuration);
        EXPECT_EQ(text.settings[0].default_value, "20s");
        EXPECT_EQ(text.settings[0].max, 60'000'000'000);
        EXPECT_EQ(text.settings[0].help, "How long.");
    }
}

TEST(DescriptorCheck, AllTwelvePlacesOfAListMayBeTaken) {
    PluginImage image;
    image.provides.assign(12, "test.A/1");
    DescriptorText text;
    EXPECT_EQ(error_of(image, &text), "");
    EXPECT_EQ(text.provides.size(), 12u);
}

TEST(DescriptorCheck, WhatIsNoPlugin) {
    EXPECT_EQ(error_with([](PluginImage& image) { image.symbol = "other"; }),
              "has no plugin descriptor (PHAROS_PLUGIN)");
    EXPECT_EQ(error_with([](PluginImage& image) { image.magic = 1; }),
              "its descriptor has another layout (magic 1, size 264; this server's: 1346912594, 264); build it against "
              "this server's SDK");
    EXPECT_NE(error_with([](PluginImage& image) { image.size = 8; }).find("(magic 1346912594, size 8;"),
              std::string::npos);
}

TEST(DescriptorCheck, AnotherSpiOrToolchain) {
    EXPECT_EQ(error_with([](PluginImage& image) { image.spi_symbol = "pharos_spi_abi_0"; }),
              "it was built for version 0 of the SPI, this server has version " +
                  std::string(PHAROS_TEXT(PHAROS_SPI_ABI_SYMBOL)).substr(15) +
                  " (undefined symbol: pharos_spi_abi_0); build it against this server's SDK");
    EXPECT_EQ(error_with([](PluginImage& image) { image.spi_symbol = "malloc"; }),
              "its descriptor names no version of the SPI (pharos_spi_abi_N)");
    EXPECT_EQ(error_with([](PluginImage& image) { image.fingerprint->replace(0, 5, "gcc11"); }).substr(0, 60),
              "it was not built as this server was: the compiler is gcc 11,");
}

TEST(DescriptorCheck, TextThatIsMissingOrNotOfItsKind) {
    EXPECT_EQ(error_with([](PluginImage& image) { image.name.reset(); }), "its descriptor has no name (null)");
    EXPECT_EQ(error_with([](PluginImage& image) { image.version.reset(); }), "its descriptor has no version (null)");
    EXPECT_EQ(error_with([](PluginImage& image) { image.fingerprint.reset(); }),
              "its descriptor has no fingerprint (null)");
    EXPECT_EQ(error_with([](PluginImage& image) { image.raw_name = 0x1234; }),
              "its descriptor's name is no text of at most 64 bytes");
    EXPECT_EQ(error_with([](PluginImage& image) { image.name = std::string(65, 'a'); }),
              "its descriptor's name is no text of at most 64 bytes");
    EXPECT_EQ(error_with([](PluginImage& image) { image.name = "a\nb"; }),
              "its descriptor's name has control characters: 'a?b'");
    EXPECT_EQ(error_with([](PluginImage& image) { image.name = "../evil"; }),
              "its descriptor's name '../evil' is not made of letters, digits, '.', '_' and '-'");
    EXPECT_EQ(error_with([](PluginImage& image) { image.version = ""; }), "its descriptor's version is empty");
}

TEST(DescriptorCheck, ListsWithHolesAndWithWhatIsNoInterface) {
    EXPECT_EQ(error_with([](PluginImage& image) {
                  image.provides = {std::nullopt, "test.A/1"};
              }),
              "its descriptor's list 'provides' has a hole before position 1");
    EXPECT_EQ(error_with([](PluginImage& image) { image.requires_ = {"test.A"}; }),
              "its descriptor's requires[0] 'test.A' is no interface (Name/1)");
    EXPECT_EQ(error_with([](PluginImage& image) { image.provides = {"test.A/1?"}; }),
              "its descriptor's provides[0] 'test.A/1?' is no interface (Name/1)");
}

TEST(DescriptorCheck, SettingsThatCantBe) {
    const auto setting = [](auto change) { return error_with([&](PluginImage& image) { change(image.settings[0]); }); };
    using Setting = PluginImage::Setting;
    EXPECT_EQ(setting([](Setting& one) { one.key.reset(); }), "its descriptor has no settings[0].key (null)");
    EXPECT_EQ(setting([](Setting& one) { one.key = ""; }), "its descriptor's settings[0].key '' is no key");
    EXPECT_EQ(setting([](Setting& one) { one.default_value.reset(); }),
              "its descriptor has no setting 'window' default (null)");
    EXPECT_EQ(setting([](Setting& one) { one.help.reset(); }), "its descriptor has no setting 'window' help (null)");
    EXPECT_EQ(setting([](Setting& one) { one.type = 6; }), "its setting 'window' has the type 6, which is not known");
    EXPECT_EQ(setting([](Setting& one) { one.default_value = "soon"; }),
              "the default of its setting 'window' can't be: 'soon' is not a duration such as 150ms, 20s, 5m or 1h");
    EXPECT_EQ(setting([](Setting& one) { one.default_value = "5m"; }),
              "the default of its setting 'window' can't be: '5m' is not between 0us and 1m");
    EXPECT_EQ(error_with([](PluginImage& image) { image.settings.resize(2); }), "its setting 'window' is there twice");
    EXPECT_EQ(error_with([](PluginImage& image) { image.settings_count = 100; }),
              "its descriptor's 100 settings are not within the file");
    EXPECT_EQ(error_with([](PluginImage& image) { image.settings_count = 0xffffffff; }),
              "its descriptor has 4294967295 settings; at most 500 are taken");
    EXPECT_EQ(error_with([](PluginImage& image) {
                  image.settings.clear();
                  image.settings_count = 1;
              }),
              "its descriptor's 1 settings are not within the file");
}

TEST(DescriptorCheck, NoWayToMakeThePlugin) {
    EXPECT_EQ(error_with([](PluginImage& image) { image.has_code = false; }),
              "its descriptor's 'create' is no function of it");
}

TEST(DescriptorCheck, AnyByteMayBeWrong) {
    const std::string good = PluginImage().build();
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const char wrong : {'\x00', '\x01', '\x7f', '\xff'}) {
            std::string bytes = good;
            bytes[at] = wrong;
            if (const auto file = ElfFile::read(bytes)) {
                DescriptorText text;
                static_cast<void>(read_descriptor(file.value(), text));  // must not read outside, which ASan would see
            }
        }
    }
}

}  // namespace
}  // namespace pharos::plugin
