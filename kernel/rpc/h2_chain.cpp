#include "rpc/h2_chain.hpp"

#include <algorithm>

namespace pharos::rpc {

void H2Chain::copy(std::string_view text) {
    bytes_ += text;
    size_ += text.size();
}

void H2Chain::share(std::string_view text, const std::shared_ptr<const void>& owner) {
    if (owner == nullptr || text.size() < kWorthSharing) {
        return copy(text);
    }
    shared_.push_back({bytes_.size(), text, owner});
    size_ += text.size();
}

void H2Chain::clear() noexcept {
    bytes_.clear();
    shared_.clear();
    begin_ = first_ = size_ = 0;
}

std::string_view H2Chain::next_copied() const noexcept {
    const std::size_t end = first_ < shared_.size() ? shared_[first_].at : bytes_.size();
    return std::string_view(bytes_).substr(begin_, end - begin_);
}

/// Within one text.
void H2Chain::skip(std::size_t count) noexcept {
    size_ -= count;
    if (!shared_is_next()) {
        begin_ += count;
    } else if (Shared& shared = shared_[first_]; count < shared.text.size()) {
        shared.text.remove_prefix(count);
    } else {
        shared.owner.reset();
        ++first_;
    }
    if (size_ == 0) {
        clear();
    }
}

void H2Chain::move_to(H2Chain& out, std::size_t count) {
    while (count > 0) {
        std::size_t part = 0;
        if (shared_is_next()) {
            const Shared& shared = shared_[first_];
            part = std::min(count, shared.text.size());
            out.share(shared.text.substr(0, part), shared.owner);
        } else {
            const std::string_view copied = next_copied().substr(0, count);
            part = copied.size();
            out.copy(copied);
        }
        skip(part);
        count -= part;
    }
}

void H2Chain::drop(std::size_t count) noexcept {
    while (count > 0) {
        const std::size_t part = std::min(count, shared_is_next() ? shared_[first_].text.size() : next_copied().size());
        skip(part);
        count -= part;
    }
}

std::size_t H2Chain::view(std::span<iovec> entries) const noexcept {
    std::size_t count = 0;
    std::size_t begin = begin_;
    const auto put = [&](std::string_view text) {
        if (!text.empty() && count < entries.size()) {
            entries[count++] = {const_cast<char*>(text.data()), text.size()};
        }
    };
    for (std::size_t i = first_; i < shared_.size() && count < entries.size(); ++i) {
        put(std::string_view(bytes_).substr(begin, shared_[i].at - begin));
        put(shared_[i].text);
        begin = shared_[i].at;
    }
    put(std::string_view(bytes_).substr(begin));
    return count;
}

}  // namespace pharos::rpc
