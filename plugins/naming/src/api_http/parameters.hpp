#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <pharos/protocol/checks.hpp>
#include <pharos/protocol/params.hpp>

#include "model/instance.hpp"

namespace pharos::naming {

/// The service that v1 parameters name: `serviceName` may be plain or "group@@name", which then wins over `groupName`
/// (`protocol/naming.md §0.1, §1.3`).
struct ServiceParameter {
    ServiceKey key;         ///< name "" when there is none
    std::string malformed;  ///< not empty: the composite is wrong, and this says how
};
[[nodiscard]] ServiceParameter service_parameter(const protocol::Params& params);
[[nodiscard]] protocol::CheckFailure check_service_parameter(const ServiceKey& key);

/// The instance that v1 parameters describe (`protocol/naming.md §2.3`).
struct InstanceParameters {
    Instance instance;
    bool ephemeral = true;
    protocol::CheckFailure check_failure;  ///< of the parameter rules
    std::optional<std::string> error;      ///< anything else that is wrong: 400
};
[[nodiscard]] InstanceParameters instance_parameters(const protocol::Params& params);

/// A beat: of the `beat` JSON, or light, of ip, port and clusterName (`protocol/naming.md §4.1`).
struct BeatParameters {
    Instance instance;
    bool is_light = false;
    protocol::CheckFailure check_failure;
    std::optional<std::string> error;  ///< the beat is no JSON: 500
};
[[nodiscard]] BeatParameters beat_parameters(const protocol::Params& params);

/// A JSON object, or "k=v,k2=v2"; nothing when it is neither.
[[nodiscard]] std::optional<Metadata> parse_metadata(std::string_view text);

}  // namespace pharos::naming
