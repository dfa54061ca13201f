#include <cstdint>
#include <cstdlib>

#include "push/udp_packet.hpp"

/// Whatever arrives is an ack of an id that can have been sent, or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto id = pharos::naming::parse_udp_ack({reinterpret_cast<const char*>(data), size});
    if (id && (*id < pharos::naming::kFirstUdpId || *id > pharos::naming::kLastUdpId)) {
        std::abort();
    }
    return 0;
}
