#include "rpc/payload_codec.hpp"

#include <cstdint>

namespace pharos::rpc {

namespace {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroup = 3, kGroupEnd = 4, kFixed32 = 5 };

constexpr std::uint32_t tag(std::uint32_t field, WireType type) noexcept { return field << 3 | type; }

constexpr std::uint32_t kMetadata = tag(2, kBytes);
constexpr std::uint32_t kBody = tag(3, kBytes);
constexpr std::uint32_t kType = tag(3, kBytes);
constexpr std::uint32_t kHeader = tag(7, kBytes);
constexpr std::uint32_t kClientIp = tag(8, kBytes);
constexpr std::uint32_t kMapKey = tag(1, kBytes);
constexpr std::uint32_t kMapValue = tag(2, kBytes);
constexpr std::uint32_t kAnyValue = tag(2, kBytes);

/// Reads the fields of one message one after another.
class Reader {
public:
    explicit Reader(std::string_view bytes) noexcept : at_(bytes.data()), end_(at_ + bytes.size()) {}

    /// Goes to the next field. False: the message has ended, or is broken.
    bool next() noexcept {
        if (at_ == end_ || broken_) {
            return false;
        }
        std::uint64_t tag = 0;
        if (!varint(tag) || tag > 0xffffffff || tag >> 3 == 0) {
            return fail();
        }
        tag_ = static_cast<std::uint32_t>(tag);
        return true;
    }
    [[nodiscard]] std::uint32_t tag() const noexcept { return tag_; }
    [[nodiscard]] bool broken() const noexcept { return broken_; }

    /// Content of a field with a length; empty when it is broken.
    std::string_view bytes() noexcept {
        std::uint64_t length = 0;
        if (!varint(length) || length > static_cast<std::size_t>(end_ - at_)) {
            fail();
            return {};
        }
        const std::string_view content(at_, length);
        at_ += length;
        return content;
    }

    void skip(int depth = 0) noexcept {
        std::uint64_t ignored = 0;
        switch (tag_ & 7) {
            case kVarint: varint(ignored) || fail(); return;
            case kFixed64: advance(8); return;
            case kBytes: bytes(); return;
            case kFixed32: advance(4); return;
            case kGroup: skip_group(depth); return;
            default: fail();
        }
    }

private:
    static constexpr int kMaxDepth = 8;

    void skip_group(int depth) noexcept {
        const std::uint32_t end = (tag_ & ~7u) | kGroupEnd;
        while (depth < kMaxDepth && next()) {
            if (tag_ == end) {
                return;
            }
            skip(depth + 1);
        }
        fail();
    }

    bool varint(std::uint64_t& value) noexcept {
        value = 0;
        for (unsigned shift = 0; at_ != end_ && shift < 70; shift += 7) {
            const auto byte = static_cast<unsigned char>(*at_++);
            if (shift == 63 && byte > 1) {
                return false;
            }
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) {
                return true;
            }
        }
        return false;
    }

    void advance(std::ptrdiff_t count) noexcept {
        if (end_ - at_ < count) {
            fail();
        } else {
            at_ += count;
        }
    }

    bool fail() noexcept {
        broken_ = true;
        at_ = end_;
        return false;
    }

    const char* at_;
    const char* end_;
    std::uint32_t tag_ = 0;
    bool broken_ = false;
};

bool decode_header(std::string_view entry, Payload& payload) noexcept {
    Payload::Header header;
    Reader reader(entry);
    while (reader.next()) {
        switch (reader.tag()) {
            case kMapKey: header.first = reader.bytes(); break;
            case kMapValue: header.second = reader.bytes(); break;
            default: reader.skip();
        }
    }
    if (reader.broken()) {
        return false;
    }
    for (std::size_t i = 0; i < payload.header_count; ++i) {
        if (payload.header_list[i].first == header.first) {
            payload.header_list[i].second = header.second;
            return true;
        }
    }
    if (payload.header_count == Payload::kMaxHeaders) {
        return false;
    }
    payload.header_list[payload.header_count++] = header;
    return true;
}

bool decode_metadata(std::string_view metadata, Payload& payload) noexcept {
    Reader reader(metadata);
    while (reader.next()) {
        switch (reader.tag()) {
            case kType: payload.type = reader.bytes(); break;
            case kClientIp: payload.client_ip = reader.bytes(); break;
            case kHeader:
                if (!decode_header(reader.bytes(), payload)) {
                    return false;
                }
                break;
            default: reader.skip();
        }
    }
    return !reader.broken();
}

bool decode_any(std::string_view any, Payload& payload) noexcept {
    Reader reader(any);
    while (reader.next()) {
        if (reader.tag() == kAnyValue) {
            payload.body = reader.bytes();
        } else {
            reader.skip();
        }
    }
    return !reader.broken();
}

std::size_t varint_size(std::size_t value) noexcept {
    std::size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        ++size;
    }
    return size;
}

void put_varint(std::string& out, std::size_t value) {
    while (value >= 0x80) {
        out += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    out += static_cast<char>(value);
}

/// All our tags take one byte.
std::size_t field_size(std::size_t content) noexcept { return 1 + varint_size(content) + content; }

void put_field(std::string& out, std::uint32_t tag, std::string_view content) {
    out += static_cast<char>(tag);
    put_varint(out, content.size());
    out += content;
}

}  // namespace

bool decode(std::string_view frame, Payload& payload) noexcept {
    payload.type = payload.client_ip = payload.body = {};
    payload.header_count = 0;
    Reader reader(frame);
    while (reader.next()) {
        bool good = true;
        switch (reader.tag()) {
            case kMetadata: good = decode_metadata(reader.bytes(), payload); break;
            case kBody: good = decode_any(reader.bytes(), payload); break;
            default: reader.skip();
        }
        if (!good) {
            return false;
        }
    }
    return !reader.broken();
}

std::string encode_head(std::string_view type, std::string_view client_ip, std::string_view body_start,
                        std::size_t rest) {
    const std::size_t metadata =
        (type.empty() ? 0 : field_size(type.size())) + (client_ip.empty() ? 0 : field_size(client_ip.size()));
    const std::size_t body = body_start.size() + rest;
    const std::size_t any = body == 0 ? 0 : field_size(body);
    std::string out;
    out.reserve(field_size(metadata) + field_size(any) - rest);
    out += static_cast<char>(kMetadata);
    put_varint(out, metadata);
    if (!type.empty()) {
        put_field(out, kType, type);
    }
    if (!client_ip.empty()) {
        put_field(out, kClientIp, client_ip);
    }
    out += static_cast<char>(kBody);
    put_varint(out, any);
    if (body != 0) {
        out += static_cast<char>(kAnyValue);
        put_varint(out, body);
        out += body_start;
    }
    return out;
}

}  // namespace pharos::rpc
