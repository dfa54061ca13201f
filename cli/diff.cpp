#include "cli/diff.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pharos::cli {

namespace {

constexpr std::size_t kContext = 3;
/// The table of the exact comparison grows with the product of the lines that differ; beyond this it would take
/// hundreds of megabytes, and all of those lines are shown as replaced.
constexpr std::size_t kLargestTable = std::size_t{64} << 20;

/// Lines with their line breaks, so that a missing one at the end is a difference.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

struct Edit {
    char kind;  ///< ' ' kept, '-' removed, '+' added
    std::string_view line;
};

/// The shortest edit of the middle parts: longest common subsequence by lines.
void compare(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b, std::vector<Edit>& out) {
    if (a.size() * b.size() > kLargestTable) {
        for (const std::string_view line : a) {
            out.push_back({'-', line});
        }
        for (const std::string_view line : b) {
            out.push_back({'+', line});
        }
        return;
    }
    const std::size_t columns = b.size() + 1;
    std::vector<std::uint32_t> longest((a.size() + 1) * columns);
    for (std::size_t i = a.size(); i-- > 0;) {
        for (std::size_t j = b.size(); j-- > 0;) {
            longest[i * columns + j] = a[i] == b[j]
                                           ? longest[(i + 1) * columns + j + 1] + 1
                                           : std::max(longest[(i + 1) * columns + j], longest[i * columns + j + 1]);
        }
    }
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() || j < b.size()) {
        if (i < a.size() && j < b.size() && a[i] == b[j]) {
            out.push_back({' ', a[i]});
            ++i;
            ++j;
        } else if (j == b.size() || (i < a.size() && longest[(i + 1) * columns + j] >= longest[i * columns + j + 1])) {
            out.push_back({'-', a[i++]});
        } else {
            out.push_back({'+', b[j++]});
        }
    }
}

std::vector<Edit> edits_between(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
    std::size_t head = 0;
    while (head < a.size() && head < b.size() && a[head] == b[head]) {
        ++head;
    }
    std::size_t tail = 0;
    while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
        ++tail;
    }
    using Offset = std::vector<std::string_view>::difference_type;
    const auto middle = [&](const std::vector<std::string_view>& all) {
        return std::vector(all.begin() + static_cast<Offset>(head), all.end() - static_cast<Offset>(tail));
    };
    std::vector<Edit> edits;
    for (std::size_t i = 0; i < head; ++i) {
        edits.push_back({' ', a[i]});
    }
    compare(middle(a), middle(b), edits);
    for (std::size_t i = a.size() - tail; i < a.size(); ++i) {
        edits.push_back({' ', a[i]});
    }
    return edits;
}

/// "3,7": as diff(1) writes a range; an empty one is told by the line before it.
std::string range(std::size_t start, std::size_t count) {
    const std::string first = std::to_string(count == 0 ? start : start + 1);
    return count == 1 ? first : first + "," + std::to_string(count);
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                         std::string_view after_name) {
    if (before == after) {
        return {};
    }
    const std::vector<Edit> edits = edits_between(lines_of(before), lines_of(after));
    std::string out = "--- " + std::string(before_name) + "\n+++ " + std::string(after_name) + "\n";
    std::size_t line_a = 0;
    std::size_t line_b = 0;
    for (std::size_t at = 0; at < edits.size();) {
        // A hunk: from three lines before a change to three lines after the last one that is near enough.
        std::size_t first = at;
        while (first < edits.size() && edits[first].kind == ' ') {
            ++first;
        }
        if (first == edits.size()) {
            break;
        }
        std::size_t end = first;
        for (std::size_t i = first; i < edits.size() && i <= end + 2 * kContext; ++i) {
            if (edits[i].kind != ' ') {
                end = i + 1;
            }
        }
        const std::size_t start = first - std::min(first - at, kContext);
        const std::size_t stop = std::min(end + kContext, edits.size());
        line_a += start - at;
        line_b += start - at;
        std::string body;
        std::size_t count_a = 0;
        std::size_t count_b = 0;
        for (std::size_t i = start; i < stop; ++i) {
            count_a += edits[i].kind != '+';
            count_b += edits[i].kind != '-';
            body += edits[i].kind;
            body += edits[i].line;
            if (!edits[i].line.ends_with('\n')) {
                body += "\n\\ No newline at end of file\n";
            }
        }
        out += "@@ -" + range(line_a, count_a) + " +" + range(line_b, count_b) + " @@\n" + body;
        line_a += count_a;
        line_b += count_b;
        at = stop;
    }
    return out;
}

}  // namespace pharos::cli
