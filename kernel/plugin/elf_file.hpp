#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// A shared library as it stands in its file, read without loading it: what it exports, what it needs, and what its
/// data will be once the dynamic linker has put in the addresses. Section headers are not needed, so a stripped file
/// will do. Every number in the file may be a lie: nothing outside of the given bytes is ever read.
///
/// Refers to the bytes, which must outlive it.
class ElfFile {
public:
    /// Errors, each a clause that goes after the file's name: no ELF file, of another machine, a program, truncated,
    /// tables that point nowhere.
    [[nodiscard]] static spi::Result<ElfFile> read(std::string_view bytes);

    struct Symbol {
        std::string_view name;
        std::uint64_t address = 0;
        std::uint64_t size = 0;
        bool weak = false;    ///< of an inline function or template, which others may define too
        bool unique = false;  ///< one for the whole process, wherever it is defined (STB_GNU_UNIQUE)
    };
    /// What the file defines for others.
    [[nodiscard]] const std::vector<Symbol>& exported() const noexcept { return exported_; }
    [[nodiscard]] const Symbol* find(std::string_view name) const noexcept;
    /// Libraries that it needs (DT_NEEDED).
    [[nodiscard]] const std::vector<std::string_view>& needed() const noexcept { return needed_; }

    /// What stands at a pointer's place once the library is loaded.
    struct Pointer {
        enum class Kind { kNull, kAddress, kSymbol, kInvalid };
        Kind kind = Kind::kNull;
        std::uint64_t address = 0;  ///< of kAddress, in the file's own numbering
        std::string_view symbol;    ///< of kSymbol, which another library may define
    };
    /// A stretch of data. Offsets must be within it.
    class Range {
    public:
        template <class T>
        [[nodiscard]] T number(std::size_t offset) const noexcept {
            T value{};
            std::memcpy(&value, bytes_.data() + offset, sizeof value);
            return value;
        }
        [[nodiscard]] Pointer pointer(std::size_t offset) const noexcept;

    private:
        friend class ElfFile;
        std::string_view bytes_;
        std::map<std::size_t, Pointer> pointers_;
    };
    /// Data at an address; none when not all of it is in the file.
    [[nodiscard]] std::optional<Range> data(std::uint64_t address, std::size_t size) const;
    /// Text at an address up to its NUL; none when there is no NUL within `limit` bytes.
    [[nodiscard]] std::optional<std::string_view> text(std::uint64_t address, std::size_t limit) const noexcept;
    [[nodiscard]] bool is_code(std::uint64_t address) const noexcept;
    /// All bytes that are loaded, as parts of the file.
    [[nodiscard]] std::vector<std::string_view> loaded_parts() const;

    [[nodiscard]] bool wants_executable_stack() const noexcept { return executable_stack_; }
    [[nodiscard]] bool has_writable_code() const noexcept { return writable_code_; }  ///< also text relocations
    [[nodiscard]] bool has_relro() const noexcept { return relro_; }
    [[nodiscard]] bool binds_now() const noexcept { return bind_now_; }
    [[nodiscard]] bool is_nodelete() const noexcept { return nodelete_; }

private:
    struct Segment {
        std::uint64_t address;
        std::uint64_t file_size;
        std::uint64_t offset;
        std::uint32_t flags;
    };
    struct Tables;

    explicit ElfFile(std::string_view bytes) : bytes_(bytes) {}
    spi::Status read_segments(std::string_view headers, std::size_t count, std::string_view& dynamic);
    spi::Status read_dynamic(std::string_view dynamic);
    spi::Status read_symbols(const Tables& tables);
    [[nodiscard]] std::optional<std::uint64_t> count_symbols(const Tables& tables) const noexcept;
    [[nodiscard]] std::string_view name_at(std::uint64_t offset) const noexcept;
    /// Bytes at an address; empty when not all of them are in the file.
    [[nodiscard]] std::string_view at(std::uint64_t address, std::uint64_t size) const noexcept;
    void add_packed(std::uint64_t place, std::uint64_t address, Range& range) const;

    std::string_view bytes_;
    std::vector<Segment> segments_;
    std::vector<Symbol> exported_;
    std::vector<std::string_view> needed_;
    std::string_view strings_;
    std::string_view symbols_;
    std::string_view relocations_;
    std::string_view packed_;       ///< DT_RELR
    bool executable_stack_ = true;  // as the loader takes a file that says nothing
    bool writable_code_ = false;
    bool relro_ = false;
    bool bind_now_ = false;
    bool nodelete_ = false;
};

}  // namespace pharos::plugin
