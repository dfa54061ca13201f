#include "cli/table.hpp"

#include <algorithm>

#include "cli/reply_text.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 8;
constexpr std::size_t kLongestCell = 1000;

}  // namespace

void Table::add(std::vector<std::string> row) {
    for (std::string& cell : row) {
        cell = one_line(cell, kLongestCell);
        if (cell.empty()) {
            cell = "-";
        }
    }
    rows_.push_back(std::move(row));
}

std::string Table::text(std::size_t width) const {
    std::vector<std::size_t> widths(heads_.size());
    const auto widen = [&](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(cells[i]));
        }
    };
    widen(heads_);
    std::for_each(rows_.begin(), rows_.end(), widen);

    std::size_t total = kGap * (widths.size() - 1);
    for (const std::size_t column : widths) {
        total += column;
    }
    while (width > 0 && total > width) {
        const auto widest = std::max_element(widths.begin(), widths.end());
        if (*widest <= kNarrowest) {
            break;
        }
        --*widest;
        --total;
    }

    std::string out;
    const auto print = [&](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string cell = cut_to_width(cells[i], widths[i]);
            out += cell;
            if (i + 1 < widths.size()) {
                out.append(widths[i] - display_width(cell) + kGap, ' ');
            }
        }
        out += '\n';
    };
    print(heads_);
    std::for_each(rows_.begin(), rows_.end(), print);
    return out;
}

}  // namespace pharos::cli
