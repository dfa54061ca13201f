// A settings file, from its text to checked values. What is accepted must be within its limits, and a value that is
// shown to operators must be read back as the same; what is refused must say where.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "settings/tree.hpp"

namespace {

using pharos::spi::SettingSpec;
using pharos::spi::SettingType;

constexpr SettingSpec kServer[] = {
    {"port", SettingType::kInteger, "8848", 1, 65535, ""},
    {"addresses", SettingType::kStringList, "127.0.0.1,::1", 0, 0, ""},
    {"name", SettingType::kString, "", 0, 0, ""},
    {"open", SettingType::kBool, "false", 0, 0, ""},
    {"wait", SettingType::kDuration, "20s", 0, 86'400'000'000'000, ""},
    {"size", SettingType::kBytes, "64KiB", 0, std::int64_t{1} << 50, ""},
};

void demand(bool condition) {
    if (!condition) {
        std::abort();
    }
}

void check(const pharos::settings::Setting& setting) {
    const SettingSpec& spec = *setting.spec;
    switch (spec.type) {
        case SettingType::kInteger:
        case SettingType::kDuration:
        case SettingType::kBytes:
            demand(setting.value.number >= spec.min && setting.value.number <= spec.max);
            [[fallthrough]];
        case SettingType::kBool: {
            auto again =
                pharos::settings::parse_value(spec, pharos::settings::format_number(spec.type, setting.value.number));
            demand(again && again->number == setting.value.number);
            break;
        }
        default: break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pharos::settings;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const Section sections[] = {{"server", kServer}};
    Raw raw;
    if (const auto status = parse_toml(text, "file", raw); !status) {
        demand(status.message().starts_with("file:"));
        return 0;
    }
    auto tree = Tree::build(raw, sections, {"plugin"});
    if (!tree) {
        demand(tree.error().message().starts_with("file:"));
        return 0;
    }
    for (const auto& [key, setting] : tree->all()) {
        check(setting);
    }
    return 0;
}
