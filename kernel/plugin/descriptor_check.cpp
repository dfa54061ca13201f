#include "plugin/descriptor_check.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>

#include "plugin/fingerprint_text.hpp"
#include "settings/value.hpp"

namespace pharos::plugin {

namespace {

using Kind = ElfFile::Pointer::Kind;

constexpr std::string_view kSymbol = "pharos_plugin";
constexpr std::string_view kSpiPrefix = "pharos_spi_abi_";
constexpr std::size_t kMostSettings = 500;
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostText = 4096;

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

bool is_one_of(char c, std::string_view more) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
}

bool is_word(std::string_view text, std::string_view more) {
    return !text.empty() && text.front() != '.' && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [more](char c) { return is_one_of(c, more); });
}

bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// "pharos.Store/1".
bool is_interface(std::string_view text) {
    const std::size_t slash = text.find('/');
    return slash != std::string_view::npos && is_word(text.substr(0, slash), "._-") && slash + 1 < text.size() &&
           text.find_first_not_of("0123456789", slash + 1) == std::string_view::npos;
}

std::string shown(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, kMostName)) {
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
    return out + (text.size() > kMostName ? "…'" : "'");
}

/// Reads one descriptor; keeps the first error.
class Reader {
public:
    Reader(const ElfFile& file, const ElfFile::Range& descriptor, DescriptorText& found, const Toolchain& ours)
        : file_(file), descriptor_(descriptor), found_(found), ours_(ours) {}

    spi::Status read() {
        const auto magic = descriptor_.number<std::uint32_t>(offsetof(spi::Descriptor, magic));
        const auto size = descriptor_.number<std::uint32_t>(offsetof(spi::Descriptor, size));
        if (magic != spi::kDescriptorMagic || size != sizeof(spi::Descriptor)) {
            return bad("its descriptor has another layout (magic " + std::to_string(magic) + ", size " +
                       std::to_string(size) + "; this server's: " + std::to_string(spi::kDescriptorMagic) + ", " +
                       std::to_string(sizeof(spi::Descriptor)) + "); build it against this server's SDK");
        }
        text(descriptor_, offsetof(spi::Descriptor, name), "name", kMostName, found_.name);
        text(descriptor_, offsetof(spi::Descriptor, version), "version", kMostName, found_.version);
        text(descriptor_, offsetof(spi::Descriptor, fingerprint), "fingerprint", kMostText, found_.fingerprint);
        spi();
        toolchain();
        names(offsetof(spi::Descriptor, provides), "provides", false, found_.provides);
        names(offsetof(spi::Descriptor, requires_), "requires", true, found_.requires_);
        words();
        settings();
        code(offsetof(spi::Descriptor, create), "create");
        code(offsetof(spi::Descriptor, destroy), "destroy");
        return status_;
    }

private:
    void fail(std::string message) {
        if (status_) {
            status_ = bad(std::move(message));
        }
    }

    void text(const ElfFile::Range& range, std::size_t offset, const std::string& what, std::size_t limit,
              std::string& out) {
        const ElfFile::Pointer pointer = range.pointer(offset);
        const std::optional<std::string_view> text =
            pointer.kind == Kind::kAddress ? file_.text(pointer.address, limit) : std::nullopt;
        if (pointer.kind == Kind::kNull) {
            fail("its descriptor has no " + what + " (null)");
        } else if (pointer.kind != Kind::kAddress || !text) {
            fail("its descriptor's " + what + " is no text of at most " + std::to_string(limit) + " bytes");
        } else if (!is_printable(*text)) {
            fail("its descriptor's " + what + " has control characters: " + shown(*text));
        } else {
            out = *text;
        }
    }

    void spi() {
        const ElfFile::Pointer pointer = descriptor_.pointer(offsetof(spi::Descriptor, spi_abi));
        if (pointer.kind != Kind::kSymbol || !pointer.symbol.starts_with(kSpiPrefix)) {
            return fail("its descriptor names no version of the SPI (" + std::string(kSpiPrefix) + "N)");
        }
        found_.spi_symbol = pointer.symbol;
        if (pointer.symbol != ours_.spi_symbol) {
            fail("it was built for version " + found_.spi_symbol.substr(kSpiPrefix.size()) +
                 " of the SPI, this server has version " + std::string(ours_.spi_symbol.substr(kSpiPrefix.size())) +
                 " (undefined symbol: " + found_.spi_symbol + "); build it against this server's SDK");
        }
    }

    void toolchain() {
        if (const std::string difference = explain_difference(found_.fingerprint, ours_.fingerprint);
            !difference.empty()) {
            fail("it was not built as this server was: " + difference + "; build it with this server's SDK");
        }
    }

    void words() {
        if (status_ && !is_word(found_.name, "._-")) {
            fail("its descriptor's name " + shown(found_.name) + " is not made of letters, digits, '.', '_' and '-'");
        }
        if (status_ && found_.version.empty()) {
            fail("its descriptor's version is empty");
        }
    }

    void names(std::size_t offset, const std::string& what, bool may_be_optional, std::vector<std::string>& out) {
        bool ended = false;
        for (std::size_t i = 0; i < std::size(spi::NameList{}.names) && status_; ++i) {
            const std::size_t at = offset + i * sizeof(const char*);
            if (descriptor_.pointer(at).kind == Kind::kNull) {
                ended = true;
                continue;
            }
            if (ended) {
                return fail("its descriptor's list '" + what + "' has a hole before position " + std::to_string(i));
            }
            std::string name;
            text(descriptor_, at, what + "[" + std::to_string(i) + "]", kMostName, name);
            std::string_view interface = name;
            if (may_be_optional && interface.ends_with('?')) {
                interface.remove_suffix(1);
            }
            if (status_ && !is_interface(interface)) {
                fail("its descriptor's " + what + "[" + std::to_string(i) + "] " + shown(name) +
                     " is no interface (Name/1)");
            }
            if (status_) {
                out.push_back(std::move(name));
            }
        }
    }

    void settings() {
        const auto count = descriptor_.number<std::uint32_t>(offsetof(spi::Descriptor, settings_count));
        const ElfFile::Pointer array = descriptor_.pointer(offsetof(spi::Descriptor, settings));
        if (!status_ || count == 0) {
            return;
        }
        if (count > kMostSettings) {
            return fail("its descriptor has " + std::to_string(count) + " settings; at most " +
                        std::to_string(kMostSettings) + " are taken");
        }
        const std::optional<ElfFile::Range> range =
            array.kind == Kind::kAddress ? file_.data(array.address, count * sizeof(spi::SettingSpec)) : std::nullopt;
        if (!range) {
            return fail("its descriptor's " + std::to_string(count) + " settings are not within the file");
        }
        std::set<std::string> keys;
        for (std::size_t i = 0; i < count && status_; ++i) {
            setting(*range, i, keys);
        }
    }

    void setting(const ElfFile::Range& range, std::size_t index, std::set<std::string>& keys) {
        const std::size_t at = index * sizeof(spi::SettingSpec);
        DescriptorText::Setting read;
        const std::string place = "settings[" + std::to_string(index) + "]";
        text(range, at + offsetof(spi::SettingSpec, key), place + ".key", kMostName, read.key);
        if (status_ && !is_word(read.key, "._-")) {
            fail("its descriptor's " + place + ".key " + shown(read.key) + " is no key");
        }
        const std::string what = status_ ? "setting '" + read.key + "'" : place;
        text(range, at + offsetof(spi::SettingSpec, default_value), what + " default", kMostText, read.default_value);
        text(range, at + offsetof(spi::SettingSpec, help), what + " help", kMostText, read.help);
        const auto type = range.number<std::uint8_t>(at + offsetof(spi::SettingSpec, type));
        read.min = range.number<std::int64_t>(at + offsetof(spi::SettingSpec, min));
        read.max = range.number<std::int64_t>(at + offsetof(spi::SettingSpec, max));
        if (!status_) {
            return;
        }
        if (type > static_cast<std::uint8_t>(spi::SettingType::kStringList)) {
            return fail("its " + what + " has the type " + std::to_string(type) + ", which is not known");
        }
        read.type = static_cast<spi::SettingType>(type);
        if (!keys.insert(read.key).second) {
            return fail("its " + what + " is there twice");
        }
        const spi::SettingSpec spec{read.key.c_str(), read.type, read.default_value.c_str(), read.min, read.max, ""};
        if (const auto value = settings::parse_value(spec, read.default_value); !value) {
            return fail("the default of its " + what + " can't be: " + value.error().message());
        }
        found_.settings.push_back(std::move(read));
    }

    void code(std::size_t offset, const std::string& what) {
        const ElfFile::Pointer pointer = descriptor_.pointer(offset);
        const ElfFile::Symbol* own = pointer.kind == Kind::kSymbol ? file_.find(pointer.symbol) : nullptr;
        if (!(pointer.kind == Kind::kAddress && file_.is_code(pointer.address)) &&
            !(own != nullptr && file_.is_code(own->address))) {
            fail("its descriptor's '" + what + "' is no function of it");
        }
    }

    const ElfFile& file_;
    const ElfFile::Range& descriptor_;
    DescriptorText& found_;
    const Toolchain& ours_;
    spi::Status status_;
};

}  // namespace

spi::Status read_descriptor(const ElfFile& file, DescriptorText& found, const Toolchain& ours) {
    const ElfFile::Symbol* symbol = file.find(kSymbol);
    if (symbol == nullptr) {
        return bad("has no plugin descriptor (PHAROS_PLUGIN)");
    }
    const std::optional<ElfFile::Range> range = file.data(symbol->address, sizeof(spi::Descriptor));
    if (!range || (symbol->size != 0 && symbol->size < sizeof(spi::Descriptor))) {
        return bad("its descriptor has another layout (" + std::to_string(symbol->size) + " bytes, this server's " +
                   std::to_string(sizeof(spi::Descriptor)) + "); build it against this server's SDK");
    }
    return Reader(file, *range, found, ours).read();
}

}  // namespace pharos::plugin
