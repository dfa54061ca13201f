#include <cstdint>
#include <cstdlib>
#include <string>

#include "rpc/payload_codec.hpp"

/// Whatever decodes must be readable through its views, and what is encoded from it must decode to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using pharos::rpc::Payload;
    Payload payload;
    if (!pharos::rpc::decode({reinterpret_cast<const char*>(data), size}, payload)) {
        return 0;
    }
    std::size_t total = 0;
    for (const auto& [name, value] : payload.headers()) {
        total += std::string(name).size() + std::string(value).size();
    }
    const std::string_view start = payload.body.substr(0, size % 7);
    const std::string_view rest = payload.body.substr(start.size());
    const std::string frame =
        pharos::rpc::encode_head(payload.type, payload.client_ip, start, rest.size()) + std::string(rest);
    Payload again;
    if (total > size || !pharos::rpc::decode(frame, again) || again.type != payload.type ||
        again.client_ip != payload.client_ip || again.body != payload.body) {
        std::abort();
    }
    return 0;
}
