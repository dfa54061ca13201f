#include "model/pattern.hpp"

namespace pharos::config {

namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

/// Where the character at `at` ends.
std::size_t next_character(std::string_view text, std::size_t at) noexcept {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
        ++at;
    }
    return at;
}

}  // namespace

LikePattern::LikePattern(std::string_view text, Signs signs) : text_(text), parts_(1) {
    for (const char c : text) {
        if (signs != Signs::kNone && (c == '*' || (c == '%' && signs == Signs::kAll))) {
            parts_.emplace_back();
        } else {
            parts_.back() += c;
            singles_ = singles_ || (c == '_' && signs == Signs::kAll);
        }
    }
}

/// Where the part ends when it is at this place of the text.
std::size_t LikePattern::match_at(std::string_view part, std::string_view text, std::size_t at) const noexcept {
    if (!singles_) {
        return text.substr(at).starts_with(part) ? at + part.size() : kNowhere;
    }
    for (const char c : part) {
        if (at >= text.size()) {
            return kNowhere;
        }
        if (c == '_') {
            at = next_character(text, at);
        } else if (text[at++] != c) {
            return kNowhere;
        }
    }
    return at;
}

bool LikePattern::matches(std::string_view text) const noexcept {
    std::size_t at = match_at(parts_.front(), text, 0);
    if (parts_.size() == 1 || at == kNowhere) {
        return at == text.size();
    }
    // The first place that a part in the middle is found at leaves the most for those after it.
    for (std::size_t i = 1; i + 1 < parts_.size(); ++i) {
        std::size_t end = kNowhere;
        if (!singles_) {
            const std::size_t found = text.find(parts_[i], at);
            end = found == kNowhere ? found : found + parts_[i].size();
        } else {
            for (; end == kNowhere && at <= text.size(); ++at) {
                end = match_at(parts_[i], text, at);
            }
        }
        if (end == kNowhere) {
            return false;
        }
        at = end;
    }
    if (!singles_) {
        return text.size() - at >= parts_.back().size() && text.ends_with(parts_.back());
    }
    for (; at <= text.size(); ++at) {
        if (match_at(parts_.back(), text, at) == text.size()) {
            return true;
        }
    }
    return false;
}

}  // namespace pharos::config
