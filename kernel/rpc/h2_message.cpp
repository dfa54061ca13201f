#include "rpc/h2_message.hpp"

#include <zlib.h>

#include <algorithm>

namespace pharos::rpc {

namespace {

std::size_t length_of(std::string_view prefix) noexcept {
    std::size_t length = 0;
    for (std::size_t i = 1; i < kH2Prefix; ++i) {
        length = length << 8 | static_cast<unsigned char>(prefix[i]);
    }
    return length;
}

}  // namespace

std::string h2_prefix(std::size_t length) {
    std::string prefix(kH2Prefix, '\0');
    for (std::size_t i = kH2Prefix - 1; i > 0; --i, length >>= 8) {
        prefix[i] = static_cast<char>(length & 0xff);
    }
    return prefix;
}

H2Messages::Found H2Messages::next(std::string_view& data, std::size_t max, Message& message) {
    if (delivered_) {
        std::string().swap(partial_);
        delivered_ = false;
    }
    if (partial_.empty() && data.size() >= kH2Prefix) {  // most messages come in one piece: no copy
        declared_ = length_of(data);
        if (declared_ > max) {
            return Found::kTooLarge;
        }
        if (data.size() - kH2Prefix >= declared_) {
            message = {data.substr(kH2Prefix, declared_), data[0] != 0};
            data.remove_prefix(kH2Prefix + declared_);
            return Found::kMessage;
        }
    }
    const auto take_until = [&](std::size_t size) {
        const std::size_t count = std::min(size - std::min(size, partial_.size()), data.size());
        partial_.append(data.substr(0, count));
        data.remove_prefix(count);
        return partial_.size() >= size;
    };
    if (!take_until(kH2Prefix)) {
        return Found::kNothing;
    }
    declared_ = length_of(partial_);
    if (declared_ > max) {
        return Found::kTooLarge;
    }
    if (!take_until(kH2Prefix + declared_)) {
        return Found::kNothing;
    }
    delivered_ = true;
    message = {std::string_view(partial_).substr(kH2Prefix), partial_[0] != 0};
    return Found::kMessage;
}

std::optional<std::string> h2_gunzip(std::string_view compressed, std::size_t max) {
    z_stream stream{};
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (::inflateInit2(&stream, kGzipOnly) != Z_OK) {
        return std::nullopt;
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    std::string text;
    int result = Z_OK;
    while (result == Z_OK && text.size() <= max) {
        char buffer[16384];
        stream.next_out = reinterpret_cast<Bytef*>(buffer);
        stream.avail_out = sizeof buffer;
        result = ::inflate(&stream, Z_NO_FLUSH);
        text.append(buffer, sizeof buffer - stream.avail_out);
    }
    const bool whole = result == Z_STREAM_END && stream.avail_in == 0;
    ::inflateEnd(&stream);
    return whole && text.size() <= max ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace pharos::rpc
