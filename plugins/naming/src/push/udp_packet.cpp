#include "push/udp_packet.hpp"

#include <zlib.h>

#include <new>

#include <pharos/protocol/json.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::naming {

namespace {

/// Longer than any ack; longer ones are not looked at.
constexpr std::size_t kLongestAck = 1024;
constexpr std::size_t kIdDigits = 16;
/// A stored block's header, the tail, checksum and length.
constexpr std::size_t kTailCompressed = 5 + kIdDigits + 1 + 8;

// Deflate, no flags, no time, unknown system.
constexpr std::string_view kGzipHeader{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10};

const Bytef* bytes_of(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

std::uint32_t checksum_of(std::uint32_t before, std::string_view text) {
    return static_cast<std::uint32_t>(crc32(before, bytes_of(text), static_cast<uInt>(text.size())));
}

/// Raw deflate that ends on a byte boundary and may be continued.
void append_deflated(std::string& out, std::string_view text) {
    constexpr int kRaw = -MAX_WBITS;
    constexpr int kMemory = 8;
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRaw, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
    const std::size_t before = out.size();
    // The bound is for Z_FINISH; a sync flush adds an empty stored block.
    out.resize(before + deflateBound(&stream, static_cast<uLong>(text.size())) + 16);
    stream.next_in = const_cast<Bytef*>(bytes_of(text));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(out.size() - before);
    deflate(&stream, Z_SYNC_FLUSH);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    out.shrink_to_fit();
}

void append_little_endian(std::string& out, std::uint32_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) {
        out += static_cast<char>(number >> (8 * i) & 0xff);
    }
}

}  // namespace

UdpPacket::UdpPacket(std::string_view service_info) {
    std::string text;
    text.reserve(service_info.size() + service_info.size() / 4 + 64);
    text += R"({"type":"dom","data":)";
    sdk::JsonWriter::append_quoted(text, service_info);
    text += R"(,"lastRefTime":)";
    compressed_ = text.size() + kIdDigits + 1 >= kCompressedFrom;
    if (!compressed_) {
        head_ = std::move(text);
        return;
    }
    checksum_ = checksum_of(0, text);
    length_ = static_cast<std::uint32_t>(text.size());
    head_ = kGzipHeader;
    append_deflated(head_, text);
}

std::string UdpPacket::tail(std::int64_t id) const {
    const std::string text = std::to_string(id) + "}";
    if (!compressed_) {
        return text;
    }
    constexpr char kLastStoredBlock = 1;
    const auto size = static_cast<std::uint32_t>(text.size());
    std::string out;
    out.reserve(kTailCompressed);
    out += kLastStoredBlock;
    append_little_endian(out, size, 2);
    append_little_endian(out, ~size, 2);
    out += text;
    append_little_endian(out, checksum_of(checksum_, text), 4);
    append_little_endian(out, length_ + size, 4);
    return out;
}

bool UdpPacket::fits() const noexcept {
    return head_.size() + (compressed_ ? kTailCompressed : kIdDigits + 1) <= kLargest;
}

std::optional<std::int64_t> parse_udp_ack(std::string_view datagram) {
    if (datagram.size() > kLongestAck) {
        return std::nullopt;
    }
    const protocol::JsonDocument document(datagram);
    if (!document.status()) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> id = protocol::integer(document.root(), "lastRefTime", 0);
    return id && *id >= kFirstUdpId && *id <= kLastUdpId ? id : std::nullopt;
}

}  // namespace pharos::naming
