#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/bytes.hpp>

namespace pharos::rpc {

/// Bytes on their way out: copied ones in one string, and between them references to texts that others share.
///
/// A message, the output of a session and what a socket would not take yet are all such chains. One thread at a time.
class H2Chain {
public:
    /// Texts below this are not worth an owner.
    static constexpr std::size_t kWorthSharing = 512;

    void copy(std::string_view text);
    void share(std::string_view text, const std::shared_ptr<const void>& owner);
    void add(const spi::Piece& piece) { share(piece.text, piece.owner); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// Keeps the memory.
    void clear() noexcept;

    /// Moves the first `count` bytes to the end of `out`.
    void move_to(H2Chain& out, std::size_t count);
    void drop(std::size_t count) noexcept;
    /// The first bytes; returns how many entries were filled.
    [[nodiscard]] std::size_t view(std::span<iovec> entries) const noexcept;

private:
    /// Comes right before bytes_[at].
    struct Shared {
        std::size_t at;
        std::string_view text;
        std::shared_ptr<const void> owner;
    };

    [[nodiscard]] bool shared_is_next() const noexcept {
        return first_ < shared_.size() && shared_[first_].at == begin_;
    }
    /// Copied bytes up to the next shared text.
    [[nodiscard]] std::string_view next_copied() const noexcept;
    void skip(std::size_t count) noexcept;

    std::string bytes_;
    std::size_t begin_ = 0;  ///< of what is left of bytes_
    std::vector<Shared> shared_;
    std::size_t first_ = 0;  ///< likewise
    std::size_t size_ = 0;
};

}  // namespace pharos::rpc
