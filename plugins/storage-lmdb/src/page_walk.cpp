#include "page_walk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace pharos::storage_lmdb {

namespace {

constexpr std::size_t kPageHeader = 16;
constexpr std::size_t kPageFlags = 10;
constexpr std::size_t kLower = 12;
constexpr std::size_t kUpper = 14;
constexpr std::size_t kPagesOfValue = 12;
constexpr std::size_t kNodeHeader = 8;
constexpr std::uint16_t kBranchPage = 0x01;
constexpr std::uint16_t kLeafPage = 0x02;
constexpr std::uint16_t kValuePage = 0x04;
constexpr std::uint16_t kBigNode = 0x01;
constexpr std::uint16_t kTableNode = 0x02;
constexpr unsigned kDeepest = 32;
constexpr std::size_t kMostProblems = 100;
constexpr std::size_t kNumberBytes = 8;

std::uint64_t low_number(const char* node) noexcept {
    return number_at<std::uint16_t>(node) | static_cast<std::uint64_t>(number_at<std::uint16_t>(node + 2)) << 16;
}
std::string_view key_of(const char* node) noexcept { return {node + kNodeHeader, number_at<std::uint16_t>(node + 6)}; }
std::string page_text(std::uint64_t number) { return "page " + std::to_string(number); }

}  // namespace

/// A tree on the way, and what was counted in it.
struct PageWalk::Walked {
    const std::string& name;
    const PageFile::Tree& tree;
    const bool numbers;  ///< keys are numbers
    Node& each;
    std::string last_key;
    bool has_last = false;
    std::uint64_t branch_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;
};

PageWalk::PageWalk(PageFile& file, const PageFile::Meta& meta, bool contents)
    : file_(file), meta_(meta), contents_(contents), buffers_(kDeepest + 1) {}

void PageWalk::add_problem(std::string problem) {
    ++problem_count_;
    if (problems_.size() < kMostProblems) {
        problems_.push_back(std::move(problem));
    }
}

std::optional<std::vector<std::pair<std::string, PageFile::Tree>>> PageWalk::tables() {
    std::vector<std::pair<std::string, PageFile::Tree>> found;
    bool foreign = false;
    Node each = [&](std::string_view key, std::string_view value, std::uint16_t flags) {
        foreign = foreign || flags != kTableNode || value.size() != PageFile::kTreeBytes;
        if (!foreign) {
            found.emplace_back(std::string(key), PageFile::tree_at(value.data()));
        }
    };
    walk("the list of tables", meta_.main, false, each);
    return foreign ? std::nullopt : std::optional(std::move(found));
}

void PageWalk::table(const std::string& name, const PageFile::Tree& tree, Each each) {
    Node node = [&](std::string_view key, std::string_view value, std::uint16_t flags) {
        if ((flags & ~kBigNode) != 0) {
            add_problem("table " + name + ": an entry has the unknown flags " + std::to_string(flags));
        } else {
            each(key, value);
        }
    };
    walk("table " + name, tree, false, node);
}

void PageWalk::free_pages() {
    // A record is the pages that one transaction gave back: their count, then their numbers.
    std::vector<std::uint64_t> free;
    Node each = [&](std::string_view, std::string_view value, std::uint16_t) {
        const std::uint64_t count = value.size() < kNumberBytes ? 0 : number_at<std::uint64_t>(value.data());
        if (value.size() % kNumberBytes != 0 || count >= value.size() / kNumberBytes) {
            add_problem("the list of free pages: a record has a wrong length");
            return;
        }
        for (std::uint64_t i = 1; i <= count; ++i) {
            free.push_back(number_at<std::uint64_t>(value.data() + i * kNumberBytes));
        }
    };
    walk("the list of free pages", meta_.free, true, each);
    std::sort(free.begin(), free.end());
    for (std::size_t i = 0; i < free.size(); ++i) {
        if (free[i] < 2 || free[i] > meta_.last_page || (free[i] < used_.size() && used_[free[i]])) {
            add_problem("the list of free pages: " + page_text(free[i]) + " is in use or does not exist");
        } else if (i > 0 && free[i] == free[i - 1]) {
            add_problem("the list of free pages: " + page_text(free[i]) + " is there twice");
        }
    }
    // The file may end before its last page when what is missing there is free.
    const std::uint64_t there = file_.size() / file_.page_size();
    const auto beyond = static_cast<std::uint64_t>(free.end() - std::lower_bound(free.begin(), free.end(), there));
    if (problem_count_ == 0 && meta_.last_page >= there && meta_.last_page - there + 1 != beyond) {
        truncated_ = true;
        add_problem("it should have " + std::to_string(meta_.last_page + 1) + " pages and has " +
                    std::to_string(there));
    }
}

void PageWalk::walk(const std::string& name, const PageFile::Tree& tree, bool numbers, Node& each) {
    Walked walked{name, tree, numbers, each, {}, false};
    const std::uint64_t before = problem_count_;
    if (tree.root != PageFile::kNoPage) {
        page(walked, tree.root, 1, {});
    }
    if (problem_count_ == before && (walked.branch_pages != tree.branch_pages || walked.leaf_pages != tree.leaf_pages ||
                                     walked.overflow_pages != tree.overflow_pages || walked.entries != tree.entries)) {
        add_problem(name + ": it should have " + std::to_string(tree.entries) + " entries on " +
                    std::to_string(tree.branch_pages + tree.leaf_pages + tree.overflow_pages) + " pages and has " +
                    std::to_string(walked.entries) + " on " +
                    std::to_string(walked.branch_pages + walked.leaf_pages + walked.overflow_pages));
    }
}

bool PageWalk::take(const Walked& walked, std::uint64_t number, std::uint64_t count) {
    if (number < 2 || count == 0 || number > meta_.last_page || count > meta_.last_page - number + 1) {
        add_problem(walked.name + ": " + page_text(number) + " does not exist");
        return false;
    }
    const std::uint64_t end = number + count;
    if (end > file_.size() / file_.page_size()) {  // not multiplied: a damaged number may be any
        truncated_ = true;
        add_problem(walked.name + ": " + page_text(number) + " is beyond the end of the file");
        return false;
    }
    if (used_.size() < end) {
        used_.resize(std::max<std::uint64_t>(end, file_.size() / file_.page_size()));
    }
    for (std::uint64_t i = number; i < end; ++i) {
        if (used_[i]) {
            add_problem(walked.name + ": " + page_text(i) + " is used twice");
            return false;
        }
        used_[i] = true;
    }
    pages_ += count;
    return true;
}

void PageWalk::page(Walked& walked, std::uint64_t number, unsigned depth, const Bounds& bounds) {
    if (!take(walked, number, 1)) {
        return;
    }
    const auto bad = [&](const std::string& what) { add_problem(walked.name + ": " + page_text(number) + what); };
    if (depth > kDeepest) {
        return bad(" is deeper than any tree");
    }
    const std::size_t size = file_.page_size();
    std::vector<char>& bytes = buffers_[depth];
    bytes.resize(size);
    if (!file_.read(number * size, bytes.data(), size)) {
        truncated_ = truncated_ || file_.error() == 0;
        return bad(" can't be read: " +
                   std::string(file_.error() == 0 ? "the file has ended" : std::strerror(file_.error())));
    }
    const auto flags = number_at<std::uint16_t>(bytes.data() + kPageFlags);
    const bool is_leaf = depth == walked.tree.depth;
    if (number_at<std::uint64_t>(bytes.data()) != number || flags != (is_leaf ? kLeafPage : kBranchPage)) {
        return bad(" is not what belongs there");
    }
    const auto lower = number_at<std::uint16_t>(bytes.data() + kLower);
    const auto upper = number_at<std::uint16_t>(bytes.data() + kUpper);
    if (lower < kPageHeader + 2 || lower % 2 != 0 || lower > upper || upper > size) {
        return bad(" has a damaged head");
    }
    // Keys of this page: in order, and within the bounds.
    std::string_view before;
    for (std::size_t at = kPageHeader; at < lower; at += 2) {
        const std::size_t node = number_at<std::uint16_t>(bytes.data() + at);
        if (node < upper || node + kNodeHeader > size || node + kNodeHeader + key_of(&bytes[node]).size() > size) {
            return bad(" has a damaged entry");
        }
        const std::string_view key = key_of(&bytes[node]);
        if (!is_leaf && at == kPageHeader) {
            continue;  // the first child has no key
        }
        const bool first = at == kPageHeader + (is_leaf ? 0U : 2U);
        if ((walked.numbers && key.size() != kNumberBytes) || (!first && !is_in_order(walked, before, key)) ||
            (bounds.low && is_in_order(walked, key, *bounds.low)) ||
            (bounds.high && !is_in_order(walked, key, *bounds.high))) {
            return bad(" has its keys out of order");
        }
        before = key;
    }
    if (is_leaf) {
        ++walked.leaf_pages;
        leaf(walked, number, bytes);
    } else {
        ++walked.branch_pages;
        branch(walked, bytes, depth, bounds);
    }
}

void PageWalk::branch(Walked& walked, const std::vector<char>& bytes, unsigned depth, const Bounds& bounds) {
    const auto lower = number_at<std::uint16_t>(bytes.data() + kLower);
    for (std::size_t at = kPageHeader; at < lower; at += 2) {
        const char* node = &bytes[number_at<std::uint16_t>(bytes.data() + at)];
        Bounds below = bounds;
        if (at > kPageHeader) {
            below.low = key_of(node);
        }
        if (at + 2 < lower) {
            below.high = key_of(&bytes[number_at<std::uint16_t>(bytes.data() + at + 2)]);
        }
        const std::uint64_t child = low_number(node) | static_cast<std::uint64_t>(number_at<std::uint16_t>(node + 4))
                                                           << 32;
        page(walked, child, depth + 1, below);
    }
}

void PageWalk::leaf(Walked& walked, std::uint64_t number, const std::vector<char>& bytes) {
    const auto lower = number_at<std::uint16_t>(bytes.data() + kLower);
    std::string space;
    for (std::size_t at = kPageHeader; at < lower; at += 2) {
        const std::size_t node = number_at<std::uint16_t>(bytes.data() + at);
        ++walked.entries;
        if (const std::optional<std::string_view> found = value(walked, number, bytes, node, space)) {
            walked.each(key_of(&bytes[node]), *found, number_at<std::uint16_t>(&bytes[node + 4]));
        }
    }
}

std::optional<std::string_view> PageWalk::value(Walked& walked, std::uint64_t number, const std::vector<char>& bytes,
                                                std::size_t node, std::string& space) {
    const std::uint64_t size = low_number(&bytes[node]);
    const std::size_t begin = node + kNodeHeader + key_of(&bytes[node]).size();
    const bool big = (number_at<std::uint16_t>(&bytes[node + 4]) & kBigNode) != 0;
    if (begin + (big ? kNumberBytes : size) > bytes.size()) {
        add_problem(walked.name + ": " + page_text(number) + " has a damaged entry");
        return std::nullopt;
    }
    if (!big) {
        return std::string_view(&bytes[begin], size);
    }
    const std::size_t page_size = file_.page_size();
    const auto first = number_at<std::uint64_t>(&bytes[begin]);
    const std::uint64_t needed = (kPageHeader + size + page_size - 1) / page_size;
    const auto unreadable = [&] {
        truncated_ = truncated_ || file_.error() == 0;
        add_problem(walked.name + ": " + page_text(first) +
                    " can't be read: " + (file_.error() == 0 ? "the file has ended" : std::strerror(file_.error())));
        return std::nullopt;
    };
    char head[kPageHeader] = {};
    if (first < 2 || first > meta_.last_page) {
        add_problem(walked.name + ": " + page_text(first) + " does not exist");
        return std::nullopt;
    }
    if (first >= file_.size() / page_size) {
        truncated_ = true;
        add_problem(walked.name + ": " + page_text(first) + " is beyond the end of the file");
        return std::nullopt;
    }
    if (!file_.read(first * page_size, head, sizeof head)) {
        return unreadable();
    }
    // A value that became smaller keeps its pages: there may be more than it needs.
    const auto count = number_at<std::uint32_t>(head + kPagesOfValue);
    if (number_at<std::uint64_t>(head) != first || number_at<std::uint16_t>(head + kPageFlags) != kValuePage ||
        count < needed) {
        add_problem(walked.name + ": " + page_text(first) + " is not what belongs there");
        return std::nullopt;
    }
    if (!take(walked, first, count)) {
        return std::nullopt;
    }
    walked.overflow_pages += count;
    space.resize(contents_ || walked.numbers ? size : 0);
    if (!file_.read(first * page_size + kPageHeader, space.data(), space.size())) {
        return unreadable();
    }
    return std::string_view(space);
}

bool PageWalk::is_in_order(const Walked& walked, std::string_view a, std::string_view b) const {
    if (walked.numbers && a.size() == kNumberBytes && b.size() == kNumberBytes) {
        return number_at<std::uint64_t>(a.data()) < number_at<std::uint64_t>(b.data());
    }
    return a < b;
}

}  // namespace pharos::storage_lmdb
