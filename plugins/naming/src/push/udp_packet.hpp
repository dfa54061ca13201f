#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::naming {

/// A push by UDP (`protocol/naming.md §5`) but for its id, which is what receivers have of their own: so the text is
/// escaped and compressed once for all of them.
///
///     {"type":"dom","data":"<ServiceInfo as text>","lastRefTime":   head, shared        1234567890123456}   tail
///
/// From 1,024 bytes on the packet is one gzip stream: the head is deflated and ends on a byte boundary, the tail
/// follows as a stored block, and the checksum goes on from the head's.
class UdpPacket {
public:
    /// What IPv4 carries in a datagram.
    static constexpr std::size_t kLargest = 65'507;
    static constexpr std::size_t kCompressedFrom = 1024;

    explicit UdpPacket(std::string_view service_info);

    [[nodiscard]] const std::string& head() const noexcept { return head_; }
    [[nodiscard]] std::string tail(std::int64_t id) const;
    /// Whether a datagram can hold it, whatever the id.
    [[nodiscard]] bool fits() const noexcept;

private:
    std::string head_;
    bool compressed_ = false;
    std::uint32_t checksum_ = 0;  ///< of the head before it was compressed
    std::uint32_t length_ = 0;
};

using UdpPacketPtr = std::shared_ptr<const UdpPacket>;

/// Packets' ids lie between these: all of one length, and exact for clients that read numbers as doubles (trap 39).
inline constexpr std::int64_t kFirstUdpId = 1'000'000'000'000'000;
inline constexpr std::int64_t kLastUdpId = 8'999'999'999'999'999;

/// The id that a client acknowledges, whatever the ack's type, given as a number or as text; nothing when it is no ack.
/// Total: takes whatever anybody sends.
[[nodiscard]] std::optional<std::int64_t> parse_udp_ack(std::string_view datagram);

}  // namespace pharos::naming
