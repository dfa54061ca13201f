// Reads arbitrary bytes as everything that naming stores. What is read must come back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/instance_override.hpp"
#include "model/service_metadata.hpp"
#include "persistent/stored_instance.hpp"
#include "state/last_views.hpp"
#include "state/switches.hpp"

namespace naming = pharos::naming;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto metadata = naming::decode_service_metadata(bytes); metadata && naming::encode(*metadata) != bytes) {
        std::abort();
    }
    if (const auto override = naming::decode_instance_override(bytes); override && naming::encode(*override) != bytes) {
        std::abort();
    }
    if (const auto view = naming::decode_view(bytes)) {
        std::vector<naming::HostPtr> hosts;
        for (const naming::Instance& instance : *view) {
            hosts.push_back(std::make_shared<const naming::Host>(instance, naming::ServiceKey{"n", "g", "s"}));
        }
        if (naming::encode_view(hosts) != bytes) {
            std::abort();
        }
    }
    if (const auto instance = naming::decode_instance(bytes); instance && naming::encode_instance(*instance) != bytes) {
        std::abort();
    }
    if (const auto healthy = naming::decode_health(bytes); healthy && naming::encode_health(*healthy) != bytes) {
        std::abort();
    }
    if (const auto address = naming::parse_stored_address(bytes);
        address && naming::instance_key(*address) != std::string(naming::kStoredInstances) + std::string(bytes)) {
        std::abort();
    }
    (void)naming::parse_switches(bytes);
    (void)naming::parse_selector(bytes);
    (void)naming::parse_health_checker(bytes);
    return 0;
}
