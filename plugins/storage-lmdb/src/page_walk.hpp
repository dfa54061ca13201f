#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/function.hpp>

#include "page_file.hpp"

namespace pharos::storage_lmdb {

/// Looks at every page that one state of the database uses: whether it is there, is what it says, holds its entries in
/// order and within the bounds that its parent names, and belongs to one place only. LMDB itself believes what it
/// reads, and a wrong page number there leads to wrong data or beyond the file.
class PageWalk {
public:
    /// With `contents`, values on pages of their own are read; otherwise `each` gets empty ones for them.
    PageWalk(PageFile& file, const PageFile::Meta& meta, bool contents);

    /// An entry of a table; what is behind the names of tables is given by tables() instead.
    using Each = spi::UniqueFunction<void(std::string_view key, std::string_view value)>;

    /// The names of the tables, with their trees. Nothing when there is an entry that names none: the database of a
    /// program that works without tables. To be called first.
    [[nodiscard]] std::optional<std::vector<std::pair<std::string, PageFile::Tree>>> tables();
    void table(const std::string& name, const PageFile::Tree& tree, Each each);
    /// The list of free pages: no page in use may be there. To be called last.
    void free_pages();

    /// The first hundred, one line each.
    [[nodiscard]] std::vector<std::string>& problems() noexcept { return problems_; }
    [[nodiscard]] std::uint64_t problem_count() const noexcept { return problem_count_; }
    void add_problem(std::string problem);
    /// A page is missing because the file ends before it.
    [[nodiscard]] bool is_truncated() const noexcept { return truncated_; }
    /// Pages that were found in use.
    [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

private:
    struct Walked;
    struct Bounds {
        std::optional<std::string> low;   ///< keys are not below
        std::optional<std::string> high;  ///< and below this
    };
    using Node = spi::UniqueFunction<void(std::string_view key, std::string_view value, std::uint16_t flags)>;

    void walk(const std::string& name, const PageFile::Tree& tree, bool numbers, Node& each);
    void page(Walked& walked, std::uint64_t number, unsigned depth, const Bounds& bounds);
    void branch(Walked& walked, const std::vector<char>& bytes, unsigned depth, const Bounds& bounds);
    void leaf(Walked& walked, std::uint64_t number, const std::vector<char>& bytes);
    std::optional<std::string_view> value(Walked& walked, std::uint64_t number, const std::vector<char>& bytes,
                                          std::size_t node, std::string& space);
    /// Notes the pages as used. False: they are not there, or used twice.
    bool take(const Walked& walked, std::uint64_t number, std::uint64_t count);
    bool is_in_order(const Walked& walked, std::string_view a, std::string_view b) const;

    PageFile& file_;
    const PageFile::Meta meta_;
    const bool contents_;
    std::vector<std::vector<char>> buffers_;  ///< by depth: a page is looked at while those above it are
    std::vector<bool> used_;
    std::uint64_t pages_ = 2;  // the meta pages
    std::vector<std::string> problems_;
    std::uint64_t problem_count_ = 0;
    bool truncated_ = false;
};

}  // namespace pharos::storage_lmdb
