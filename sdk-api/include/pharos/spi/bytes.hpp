#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pharos::spi {

/// One part of an outgoing message.
///
/// Without an owner, the text is valid for the call only and is copied. With an owner, the text stays valid while the
/// owner lives, and the receiver keeps a reference instead of copying: that is how one encoded body serves many
/// connections.
struct Piece {
    std::string_view text;
    std::shared_ptr<const void> owner;

    Piece() = default;
    Piece(std::string_view borrowed) : text(borrowed) {}
    Piece(const char* borrowed) : text(borrowed) {}
    Piece(const std::string& borrowed) : text(borrowed) {}
    Piece(std::shared_ptr<const std::string> shared) : text(*shared), owner(std::move(shared)) {}
};

/// Parts of a message, in order.
using Pieces = std::span<const Piece>;

/// Total length in bytes.
inline std::size_t total_size(Pieces pieces) noexcept {
    std::size_t size = 0;
    for (const Piece& piece : pieces) {
        size += piece.text.size();
    }
    return size;
}

}  // namespace pharos::spi
