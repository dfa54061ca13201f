#include "plugin/elf_file.hpp"

#include <elf.h>

#include <algorithm>

namespace pharos::plugin {

namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
constexpr std::uint32_t kRelative = R_X86_64_RELATIVE;
constexpr std::uint32_t kAbsolute = R_X86_64_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
constexpr std::uint32_t kRelative = R_AARCH64_RELATIVE;
constexpr std::uint32_t kAbsolute = R_AARCH64_ABS64;
#else
#error "which relocations does this machine have?"
#endif

constexpr std::size_t kMostSegments = 128;
constexpr std::size_t kMostSymbols = 1 << 20;
constexpr std::size_t kWord = sizeof(std::uint64_t);

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

std::string machine_name(std::uint16_t machine) {
    switch (machine) {
        case EM_X86_64: return "x86_64";
        case EM_AARCH64: return "aarch64";
        case EM_386: return "i386";
        case EM_ARM: return "arm";
        case EM_RISCV: return "riscv";
        case EM_PPC64: return "ppc64";
        case EM_S390: return "s390";
        default: return "machine " + std::to_string(machine);
    }
}

/// The n-th of the records in the bytes, which need not be aligned.
template <class T>
T record(std::string_view bytes, std::size_t n) noexcept {
    T value;
    std::memcpy(&value, bytes.data() + n * sizeof(T), sizeof(T));
    return value;
}

std::string_view slice(std::string_view bytes, std::uint64_t offset, std::uint64_t size) noexcept {
    return offset > bytes.size() || size > bytes.size() - offset ? std::string_view() : bytes.substr(offset, size);
}

}  // namespace

/// What the dynamic table says; 0 where it says nothing.
struct ElfFile::Tables {
    std::uint64_t strings = 0;
    std::uint64_t strings_size = 0;
    std::uint64_t symbols = 0;
    std::uint64_t hash = 0;
    std::uint64_t gnu_hash = 0;
    std::uint64_t relocations = 0;
    std::uint64_t relocations_size = 0;
    std::uint64_t packed = 0;
    std::uint64_t packed_size = 0;
    std::vector<std::uint64_t> needed;
    bool is_program = false;
};

spi::Result<ElfFile> ElfFile::read(std::string_view bytes) {
    if (!bytes.starts_with(ELFMAG)) {
        return bad(bytes.empty() ? "is empty" : "is no shared library (not an ELF file)");
    }
    if (bytes.size() < sizeof(Elf64_Ehdr)) {
        return bad("is truncated: it ends within its header");
    }
    const auto header = record<Elf64_Ehdr>(bytes, 0);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != kMachine) {
        const bool same_bytes = header.e_ident[EI_DATA] == ELFDATA2LSB;
        const std::string theirs = same_bytes ? machine_name(header.e_machine) : "a big-endian machine";
        return bad("is built for " + theirs + (header.e_ident[EI_CLASS] == ELFCLASS64 ? "" : ", 32 bits") +
                   "; this server runs on " + machine_name(kMachine));
    }
    if (header.e_type != ET_DYN) {
        return bad("is no shared library but a program or an object file");
    }
    const std::uint64_t sections_end =
        header.e_shoff == 0 ? 0 : header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize;
    if (header.e_shoff > bytes.size() || sections_end > bytes.size()) {
        return bad("is truncated: it has " + std::to_string(bytes.size()) + " of " + std::to_string(sections_end) +
                   " bytes");
    }
    const std::string_view headers = slice(bytes, header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
    if (header.e_phentsize != sizeof(Elf64_Phdr) || headers.empty() || header.e_phnum > kMostSegments) {
        return bad("is damaged: it has no table of segments");
    }
    ElfFile file(bytes);
    std::string_view dynamic;
    spi::Status status = file.read_segments(headers, header.e_phnum, dynamic);
    status = status ? file.read_dynamic(dynamic) : status;
    if (!status) {
        return status;
    }
    return file;
}

spi::Status ElfFile::read_segments(std::string_view headers, std::size_t count, std::string_view& dynamic) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto segment = record<Elf64_Phdr>(headers, i);
        if (segment.p_type == PT_GNU_STACK) {
            executable_stack_ = (segment.p_flags & PF_X) != 0;
        } else if (segment.p_type == PT_GNU_RELRO) {
            relro_ = true;
        }
        if (segment.p_type != PT_LOAD && segment.p_type != PT_DYNAMIC) {
            continue;
        }
        if (segment.p_filesz > 0 && slice(bytes_, segment.p_offset, segment.p_filesz).empty()) {
            return bad("is truncated: a segment ends after the file's " + std::to_string(bytes_.size()) + " bytes");
        }
        if (segment.p_type == PT_DYNAMIC) {
            dynamic = slice(bytes_, segment.p_offset, segment.p_filesz);
        } else {
            segments_.push_back({segment.p_vaddr, segment.p_filesz, segment.p_offset, segment.p_flags});
            writable_code_ = writable_code_ || ((segment.p_flags & PF_W) != 0 && (segment.p_flags & PF_X) != 0);
        }
    }
    if (dynamic.empty() || segments_.empty()) {
        return bad("is no shared library: it has nothing to load");
    }
    return {};
}

spi::Status ElfFile::read_dynamic(std::string_view dynamic) {
    Tables tables;
    for (std::size_t i = 0; (i + 1) * sizeof(Elf64_Dyn) <= dynamic.size(); ++i) {
        const auto entry = record<Elf64_Dyn>(dynamic, i);
        const std::uint64_t value = entry.d_un.d_val;
        if (entry.d_tag == DT_NULL) {
            break;
        }
        switch (entry.d_tag) {
            case DT_STRTAB: tables.strings = value; break;
            case DT_STRSZ: tables.strings_size = value; break;
            case DT_SYMTAB: tables.symbols = value; break;
            case DT_HASH: tables.hash = value; break;
            case DT_GNU_HASH: tables.gnu_hash = value; break;
            case DT_RELA: tables.relocations = value; break;
            case DT_RELASZ: tables.relocations_size = value; break;
            case DT_RELR: tables.packed = value; break;
            case DT_RELRSZ: tables.packed_size = value; break;
            case DT_NEEDED: tables.needed.push_back(value); break;
            case DT_BIND_NOW: bind_now_ = true; break;
            case DT_TEXTREL: writable_code_ = true; break;
            case DT_FLAGS:
                bind_now_ = bind_now_ || (value & DF_BIND_NOW) != 0;
                writable_code_ = writable_code_ || (value & DF_TEXTREL) != 0;
                break;
            case DT_FLAGS_1:
                bind_now_ = bind_now_ || (value & DF_1_NOW) != 0;
                nodelete_ = (value & DF_1_NODELETE) != 0;
                tables.is_program = (value & DF_1_PIE) != 0;
                break;
            default: break;
        }
    }
    if (tables.is_program) {
        return bad("is no shared library but a program");
    }
    return read_symbols(tables);
}

spi::Status ElfFile::read_symbols(const Tables& tables) {
    strings_ = at(tables.strings, tables.strings_size);
    const std::optional<std::uint64_t> count = count_symbols(tables);
    if (strings_.empty() || !count || *count > kMostSymbols) {
        return bad("is damaged: it has no table of symbols");
    }
    symbols_ = at(tables.symbols, *count * sizeof(Elf64_Sym));
    relocations_ = at(tables.relocations, tables.relocations_size);
    packed_ = at(tables.packed, tables.packed_size);
    if ((*count > 0 && symbols_.empty()) || (tables.relocations_size > 0 && relocations_.empty()) ||
        (tables.packed_size > 0 && packed_.empty())) {
        return bad("is damaged: its tables are not within the file");
    }
    for (std::size_t i = 0; i < *count; ++i) {
        const auto symbol = record<Elf64_Sym>(symbols_, i);
        const unsigned binding = ELF64_ST_BIND(symbol.st_info);
        const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
        if (symbol.st_shndx != SHN_UNDEF && binding != STB_LOCAL && visibility != STV_HIDDEN &&
            visibility != STV_INTERNAL) {
            exported_.push_back({name_at(symbol.st_name), symbol.st_value, symbol.st_size, binding == STB_WEAK,
                                 binding == STB_GNU_UNIQUE});
        }
    }
    for (const std::uint64_t name : tables.needed) {
        needed_.push_back(name_at(name));
    }
    return {};
}

std::optional<std::uint64_t> ElfFile::count_symbols(const Tables& tables) const noexcept {
    if (const std::string_view head = at(tables.hash, 2 * sizeof(std::uint32_t)); tables.hash != 0 && !head.empty()) {
        return record<std::uint32_t>(head, 1);  // as many chain entries as symbols
    }
    const std::string_view head = at(tables.gnu_hash, 4 * sizeof(std::uint32_t));
    if (tables.gnu_hash == 0 || head.empty()) {
        return std::nullopt;
    }
    const std::uint64_t bucket_count = record<std::uint32_t>(head, 0);
    const std::uint64_t first = record<std::uint32_t>(head, 1);
    const std::uint64_t buckets_at = tables.gnu_hash + head.size() + record<std::uint32_t>(head, 2) * kWord;
    const std::string_view buckets = at(buckets_at, bucket_count * sizeof(std::uint32_t));
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < buckets.size() / sizeof(std::uint32_t); ++i) {
        last = std::max<std::uint64_t>(last, record<std::uint32_t>(buckets, i));
    }
    if (last < first) {
        return first;  // nothing is exported
    }
    // The last bucket's chain goes to the last symbol, whose entry has the lowest bit set.
    const std::uint64_t chains_at = buckets_at + buckets.size() - first * sizeof(std::uint32_t);
    for (; last < kMostSymbols; ++last) {
        const std::string_view entry = at(chains_at + last * sizeof(std::uint32_t), sizeof(std::uint32_t));
        if (entry.empty()) {
            return std::nullopt;
        }
        if ((record<std::uint32_t>(entry, 0) & 1) != 0) {
            return last + 1;
        }
    }
    return std::nullopt;
}

std::string_view ElfFile::name_at(std::uint64_t offset) const noexcept {
    const std::size_t end = offset < strings_.size() ? strings_.find('\0', offset) : std::string_view::npos;
    return end == std::string_view::npos ? std::string_view() : strings_.substr(offset, end - offset);
}

std::string_view ElfFile::at(std::uint64_t address, std::uint64_t size) const noexcept {
    for (const Segment& segment : segments_) {
        if (address >= segment.address && address - segment.address <= segment.file_size &&
            size <= segment.file_size - (address - segment.address)) {
            return slice(bytes_, segment.offset + (address - segment.address), size);
        }
    }
    return {};
}

const ElfFile::Symbol* ElfFile::find(std::string_view name) const noexcept {
    const auto found =
        std::find_if(exported_.begin(), exported_.end(), [name](const Symbol& symbol) { return symbol.name == name; });
    return found == exported_.end() ? nullptr : &*found;
}

ElfFile::Pointer ElfFile::Range::pointer(std::size_t offset) const noexcept {
    if (const auto found = pointers_.find(offset); found != pointers_.end()) {
        return found->second;
    }
    // Nothing is put here, so what stands in the file stays: an address that means nothing in a process, unless it is
    // 0.
    return {number<std::uint64_t>(offset) == 0 ? Pointer::Kind::kNull : Pointer::Kind::kInvalid, 0, {}};
}

void ElfFile::add_packed(std::uint64_t place, std::uint64_t address, Range& range) const {
    if (place >= address && place - address < range.bytes_.size() && range.bytes_.size() - (place - address) >= kWord) {
        const std::size_t offset = place - address;
        range.pointers_[offset] = {Pointer::Kind::kAddress, range.number<std::uint64_t>(offset), {}};
    }
}

std::optional<ElfFile::Range> ElfFile::data(std::uint64_t address, std::size_t size) const {
    Range range;
    range.bytes_ = at(address, size);
    if (range.bytes_.empty()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < relocations_.size() / sizeof(Elf64_Rela); ++i) {
        const auto relocation = record<Elf64_Rela>(relocations_, i);
        if (relocation.r_offset < address || relocation.r_offset - address >= size) {
            continue;
        }
        const std::uint32_t type = ELF64_R_TYPE(relocation.r_info);
        const std::uint64_t number = ELF64_R_SYM(relocation.r_info);
        Pointer pointer{Pointer::Kind::kInvalid, 0, {}};
        if (type == kRelative) {
            pointer = {Pointer::Kind::kAddress, static_cast<std::uint64_t>(relocation.r_addend), {}};
        } else if (type == kAbsolute && number < symbols_.size() / sizeof(Elf64_Sym)) {
            const auto symbol = record<Elf64_Sym>(symbols_, number);
            pointer = {Pointer::Kind::kSymbol, 0, name_at(symbol.st_name)};
            if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) {
                pointer = {
                    Pointer::Kind::kAddress, symbol.st_value + static_cast<std::uint64_t>(relocation.r_addend), {}};
            }
        }
        range.pointers_[relocation.r_offset - address] = pointer;
    }
    // DT_RELR: an even word is a place, an odd one a bitmap of the 63 words that follow the last place.
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < packed_.size() / kWord; ++i) {
        const auto word = record<std::uint64_t>(packed_, i);
        if ((word & 1) == 0) {
            add_packed(word, address, range);
            next = word + kWord;
            continue;
        }
        for (std::uint64_t bit = 1; bit < 64; ++bit) {
            if ((word >> bit & 1) != 0) {
                add_packed(next + (bit - 1) * kWord, address, range);
            }
        }
        next += 63 * kWord;
    }
    return range;
}

std::optional<std::string_view> ElfFile::text(std::uint64_t address, std::size_t limit) const noexcept {
    for (const Segment& segment : segments_) {
        if (address < segment.address || address - segment.address >= segment.file_size) {
            continue;
        }
        const std::uint64_t left = segment.file_size - (address - segment.address);
        const std::string_view rest = at(address, std::min<std::uint64_t>(left, limit + 1));
        const std::size_t end = rest.find('\0');
        return end == std::string_view::npos ? std::nullopt : std::optional(rest.substr(0, end));
    }
    return std::nullopt;
}

bool ElfFile::is_code(std::uint64_t address) const noexcept {
    return std::any_of(segments_.begin(), segments_.end(), [address](const Segment& segment) {
        return (segment.flags & PF_X) != 0 && address >= segment.address &&
               address - segment.address < segment.file_size;
    });
}

std::vector<std::string_view> ElfFile::loaded_parts() const {
    std::vector<std::string_view> parts;
    for (const Segment& segment : segments_) {
        if (const std::string_view part = slice(bytes_, segment.offset, segment.file_size); !part.empty()) {
            parts.push_back(part);
        }
    }
    return parts;
}

}  // namespace pharos::plugin
