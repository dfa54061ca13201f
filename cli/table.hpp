#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace pharos::cli {

/// Text in aligned columns, by the width that it takes on the screen.
class Table {
public:
    explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}

    /// As many cells as heads. Control characters become blanks, an empty cell "-".
    void add(std::vector<std::string> row);
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
    /// Lines with a line break each. With `width` > 0 none is wider: the widest columns are cut, down to 8.
    [[nodiscard]] std::string text(std::size_t width) const;

private:
    std::vector<std::string> heads_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace pharos::cli
