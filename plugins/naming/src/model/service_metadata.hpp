#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/json_writer.hpp>
#include <pharos/spi/status.hpp>

#include "model/instance.hpp"

namespace pharos::naming {

/// How the instances of a cluster are checked (`protocol/naming.md §4.3`). Members that a type does not have keep
/// their defaults.
struct HealthChecker {
    std::string type = "TCP";  ///< TCP, HTTP, MYSQL, NONE or that of a plugin
    std::string path;          ///< HTTP
    std::string headers;       ///< HTTP, "K:v|K2:v2"
    std::int32_t expected_response_code = 200;
    std::string user;  ///< MYSQL
    std::string password;
    std::string command;
    /// The whole JSON object, without blanks, of any other type and of a MYSQL that has more members: what a plugin's
    /// check is set with must survive.
    std::string foreign;

    bool operator==(const HealthChecker&) const = default;
};
/// A missing type reads as NONE. Error kInvalidArgument: the text is no JSON object, or a number in it is none or out of
/// range; the message goes on after "Param 'healthChecker' is illegal, ".
[[nodiscard]] spi::Result<HealthChecker> parse_health_checker(std::string_view json);
/// The object, with the members of its type.
void append_json(sdk::JsonWriter& json, const HealthChecker& checker);

/// What operators have set for a cluster.
struct ClusterMetadata {
    std::uint16_t check_port = 80;
    bool use_instance_port = true;  ///< check the instance's own port
    HealthChecker checker;
    Metadata data;

    bool operator==(const ClusterMetadata&) const = default;
};

/// Which instances a consumer sees (`protocol/naming.md §1.7`). Labels come from a CMDB; there is none, so all pass.
struct Selector {
    enum class Type : std::uint8_t { kNone = 0, kLabel = 1 };
    Type type = Type::kNone;
    std::string expression;           ///< as it was given
    std::vector<std::string> labels;  ///< the labels in it, in order, once each

    bool operator==(const Selector&) const = default;
};
/// Of the JSON of a `selector` parameter, which may be encoded as a URL once more; "" is the selector `none`. Errors:
/// kInvalidArgument "not match any type of selector!", and kInternal for an expression that can't be read
/// (`protocol/naming.md §1.7`: 400 with 21006, and 500).
[[nodiscard]] spi::Result<Selector> parse_selector(std::string_view text);
/// {"type":"none","contextType":"NONE"}, or the label form.
void append_json(sdk::JsonWriter& json, const Selector& selector);

/// What operators have set for a service. Only services that were made or changed through an API have it, and whether
/// it is there matters (`protocol/naming.md §1.1, §1.6`).
struct ServiceMetadata {
    bool ephemeral = false;
    double protect_threshold = 0.0;
    Selector selector;
    Metadata data;
    std::map<std::string, ClusterMetadata> clusters;
    std::int64_t created_ms = 0;
    std::int64_t updated_ms = 0;

    bool operator==(const ServiceMetadata&) const = default;
};
using ServiceMetadataPtr = std::shared_ptr<const ServiceMetadata>;

/// Version byte, then the members in the order above (clusters in order of their names), as ByteWriter puts them.
/// Version 2 has `foreign` of each checker behind its command; what has none is written as version 1, which older
/// servers read.
[[nodiscard]] std::string encode(const ServiceMetadata& metadata);
/// Nothing when the bytes are not exactly one record of a known version.
[[nodiscard]] std::optional<ServiceMetadata> decode_service_metadata(std::string_view bytes);

}  // namespace pharos::naming
