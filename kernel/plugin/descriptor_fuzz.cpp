// A plugin's file: whatever its bytes are, reading it stays within them, and what it accepts is what it promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "plugin/descriptor_check.hpp"
#include "plugin/own_copies.hpp"

/// The same in every build, so that the seeds in tests/fuzz/corpus stay good.
constexpr pharos::plugin::Toolchain kToolchain{"pharos_spi_abi_0", "gcc0;spi=0"};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pharos;
    const auto file = plugin::ElfFile::read({reinterpret_cast<const char*>(data), size});
    if (!file) {
        return 0;
    }
    static_cast<void>(plugin::find_own_copies(file.value()));
    plugin::DescriptorText text;
    if (plugin::read_descriptor(file.value(), text, kToolchain)) {
        if (text.name.empty() || text.version.empty() || text.fingerprint != kToolchain.fingerprint) {
            std::abort();
        }
        for (const auto& setting : text.settings) {
            if (setting.key.empty()) {
                std::abort();
            }
        }
    }
    return 0;
}
