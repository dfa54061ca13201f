#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::rpc {

/// The five bytes before every gRPC message: a flag and a length.
constexpr std::size_t kH2Prefix = 5;

[[nodiscard]] std::string h2_prefix(std::size_t length);

/// Finds the messages of one HTTP/2 stream, however DATA frames cut them.
class H2Messages {
public:
    struct Message {
        std::string_view bytes;
        bool compressed = false;
    };
    enum class Found : std::uint8_t { kMessage, kNothing, kTooLarge };

    /// Takes from the front of `data` up to the end of the next message. Its bytes are valid until the next call and as
    /// long as `data`. kNothing: all of `data` is taken. kTooLarge: declared_size() is above `max`.
    [[nodiscard]] Found next(std::string_view& data, std::size_t max, Message& message);

    /// Whether a message has begun and not ended.
    [[nodiscard]] bool inside() const noexcept { return !partial_.empty() && !delivered_; }
    [[nodiscard]] std::size_t held() const noexcept { return partial_.size(); }
    [[nodiscard]] std::size_t declared_size() const noexcept { return declared_; }

private:
    std::string partial_;  ///< with the prefix
    std::size_t declared_ = 0;
    bool delivered_ = false;  ///< partial_ is a message that has been handed out
};

/// Nothing: malformed, or larger than `max`.
[[nodiscard]] std::optional<std::string> h2_gunzip(std::string_view compressed, std::size_t max);

}  // namespace pharos::rpc
