#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <pharos/spi/plugin.hpp>

namespace pharos::plugin {

/// Makes the bytes of a plugin's file, with whatever is to be wrong with it. Addresses are places in the file.
struct PluginImage {
    using Text = std::optional<std::string>;  ///< none: a null pointer

    struct Setting {
        Text key = "window";
        std::uint8_t type = static_cast<std::uint8_t>(spi::SettingType::kDuration);
        Text default_value = "20s";
        std::int64_t min = 0;
        std::int64_t max = 60'000'000'000;
        Text help = "How long.";
    };

    std::string symbol = "pharos_plugin";
    std::uint32_t magic = spi::kDescriptorMagic;
    std::uint32_t size = sizeof(spi::Descriptor);
    std::string spi_symbol = PHAROS_TEXT(PHAROS_SPI_ABI_SYMBOL);
    Text fingerprint = PHAROS_FINGERPRINT;
    Text name = "x";
    Text version = "1";
    std::vector<Text> provides{"test.A/1"};
    std::vector<Text> requires_{"test.B/1", "test.C/2?"};
    std::vector<Setting> settings{Setting{}};
    std::optional<std::uint32_t> settings_count;
    std::optional<std::uint64_t> raw_name;  ///< instead of a pointer that is relocated
    bool has_code = true;
    std::optional<std::uint32_t> stack_flags = PF_R | PF_W;
    std::uint16_t machine =
#if defined(__x86_64__)
        EM_X86_64;
#else
        EM_AARCH64;
#endif
    bool packed = false;  ///< relocations as DT_RELR
    std::string more;     ///< bytes that are loaded too

    [[nodiscard]] std::string build() const {
        Writer out(*this);
        return out.bytes;
    }

private:
    struct Writer {
        explicit Writer(const PluginImage& image) : image(image) {
            bytes.resize(sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr));
            const std::uint64_t code = append("code");
            append(image.more);
            const std::uint64_t settings = write_settings();
            const std::uint64_t descriptor = write_descriptor(settings, code);
            write_tables(descriptor);
        }

        std::uint64_t append(const std::string& text) {
            bytes.resize((bytes.size() + 7) & ~std::size_t{7});
            const std::uint64_t at = bytes.size();
            bytes.append(text.data(), text.size());
            return at;
        }
        template <class T>
        void put(std::uint64_t at, const T& value) {
            std::memcpy(bytes.data() + at, &value, sizeof value);
        }
        void point(std::uint64_t place, std::uint64_t address) {
            if (image.packed) {
                put(place, address);
                packed.append(reinterpret_cast<const char*>(&place), sizeof place);
                return;
            }
            Elf64_Rela relocation{};
            relocation.r_offset = place;
            relocation.r_info = ELF64_R_INFO(0, kRelative);
            relocation.r_addend = static_cast<std::int64_t>(address);
            add(relocation);
        }
        void point(std::uint64_t place, const Text& text) {
            if (text) {
                point(place, append(*text + '\0'));
            }
        }
        void add(const Elf64_Rela& relocation) {
            relocations.append(reinterpret_cast<const char*>(&relocation), sizeof relocation);
        }

        std::uint64_t write_settings() {
            const std::uint64_t at = append(std::string(image.settings.size() * sizeof(spi::SettingSpec), '\0'));
            for (std::size_t i = 0; i < image.settings.size(); ++i) {
                const Setting& setting = image.settings[i];
                const std::uint64_t one = at + i * sizeof(spi::SettingSpec);
                put(one + offsetof(spi::SettingSpec, type), setting.type);
                put(one + offsetof(spi::SettingSpec, min), setting.min);
                put(one + offsetof(spi::SettingSpec, max), setting.max);
                point(one + offsetof(spi::SettingSpec, key), setting.key);
                point(one + offsetof(spi::SettingSpec, default_value), setting.default_value);
                point(one + offsetof(spi::SettingSpec, help), setting.help);
            }
            return at;
        }

        std::uint64_t write_descriptor(std::uint64_t settings, std::uint64_t code) {
            const std::uint64_t at = append(std::string(sizeof(spi::Descriptor), '\0'));
            put(at + offsetof(spi::Descriptor, magic), image.magic);
            put(at + offsetof(spi::Descriptor, size), image.size);
            const auto count = static_cast<std::uint32_t>(image.settings.size());
            put(at + offsetof(spi::Descriptor, settings_count), image.settings_count.value_or(count));
            point(at + offsetof(spi::Descriptor, fingerprint), image.fingerprint);
            if (image.raw_name) {
                put(at + offsetof(spi::Descriptor, name), *image.raw_name);
            } else {
                point(at + offsetof(spi::Descriptor, name), image.name);
            }
            point(at + offsetof(spi::Descriptor, version), image.version);
            for (std::size_t i = 0; i < image.provides.size(); ++i) {
                point(at + offsetof(spi::Descriptor, provides) + i * sizeof(char*), image.provides[i]);
            }
            for (std::size_t i = 0; i < image.requires_.size(); ++i) {
                point(at + offsetof(spi::Descriptor, requires_) + i * sizeof(char*), image.requires_[i]);
            }
            if (!image.settings.empty()) {
                point(at + offsetof(spi::Descriptor, settings), settings);
            }
            if (image.has_code) {
                point(at + offsetof(spi::Descriptor, create), code);
                point(at + offsetof(spi::Descriptor, destroy), code);
            }
            Elf64_Rela relocation{};
            relocation.r_offset = at + offsetof(spi::Descriptor, spi_abi);
            relocation.r_info = ELF64_R_INFO(1, kAbsolute);
            add(relocation);
            return at;
        }

        void write_tables(std::uint64_t descriptor) {
            const std::string strings = '\0' + image.spi_symbol + '\0' + image.symbol + '\0';
            Elf64_Sym symbols[3] = {};
            symbols[1].st_name = 1;
            symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
            symbols[2].st_name = static_cast<Elf64_Word>(image.spi_symbol.size() + 2);
            symbols[2].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
            symbols[2].st_shndx = 1;
            symbols[2].st_value = descriptor;
            symbols[2].st_size = sizeof(spi::Descriptor);
            const std::uint32_t hash[] = {1, 3, 2, 0, 0, 1};
            const auto raw = [](const auto& array) {
                return std::string(reinterpret_cast<const char*>(&array), sizeof array);
            };
            std::vector<Elf64_Dyn> dynamic;
            const auto say = [&dynamic](std::int64_t tag, std::uint64_t value) {
                Elf64_Dyn entry{};
                entry.d_tag = tag;
                entry.d_un.d_val = value;
                dynamic.push_back(entry);
            };
            say(DT_STRTAB, append(strings));
            say(DT_STRSZ, strings.size());
            say(DT_SYMTAB, append(raw(symbols)));
            say(DT_HASH, append(raw(hash)));
            say(DT_RELA, append(relocations));
            say(DT_RELASZ, relocations.size());
            if (image.packed) {
                say(DT_RELR, append(packed));
                say(DT_RELRSZ, packed.size());
            }
            say(DT_FLAGS_1, DF_1_NODELETE | DF_1_NOW);
            say(DT_NULL, 0);
            const std::string table(reinterpret_cast<const char*>(dynamic.data()), dynamic.size() * sizeof(Elf64_Dyn));
            const std::uint64_t at = append(table);
            write_headers(at, table.size());
        }

        void write_headers(std::uint64_t dynamic, std::uint64_t dynamic_size) {
            Elf64_Ehdr header{};
            std::memcpy(header.e_ident, ELFMAG, SELFMAG);
            header.e_ident[EI_CLASS] = ELFCLASS64;
            header.e_ident[EI_DATA] = ELFDATA2LSB;
            header.e_ident[EI_VERSION] = EV_CURRENT;
            header.e_type = ET_DYN;
            header.e_machine = image.machine;
            header.e_phoff = sizeof header;
            header.e_phentsize = sizeof(Elf64_Phdr);
            header.e_phnum = image.stack_flags ? 3 : 2;
            put(0, header);
            Elf64_Phdr segments[3] = {};
            segments[0].p_type = PT_LOAD;
            segments[0].p_flags = PF_R | PF_X;
            segments[0].p_filesz = segments[0].p_memsz = bytes.size();
            segments[1].p_type = PT_DYNAMIC;
            segments[1].p_offset = segments[1].p_vaddr = dynamic;
            segments[1].p_filesz = dynamic_size;
            segments[2].p_type = PT_GNU_STACK;
            segments[2].p_flags = image.stack_flags.value_or(0);
            put(sizeof header, segments);
        }

#if defined(__x86_64__)
        static constexpr std::uint32_t kRelative = R_X86_64_RELATIVE;
        static constexpr std::uint32_t kAbsolute = R_X86_64_64;
#else
        static constexpr std::uint32_t kRelative = R_AARCH64_RELATIVE;
        static constexpr std::uint32_t kAbsolute = R_AARCH64_ABS64;
#endif
        const PluginImage& image;
        std::string bytes;
        std::string relocations;
        std::string packed;
    };
};

}  // namespace pharos::plugin
