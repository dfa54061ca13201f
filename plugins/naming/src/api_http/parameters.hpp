#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api_http/reader.hpp"
#include "model/instance.hpp"

namespace pharos::naming {

// What naming's calls take (`protocol/naming.md §2`), read by the rules of the call's generation. What is wrong is
// noted at the reader; what is returned then is of no use.

/// How a call spells its service.
enum class Spelling : std::uint8_t {
    kUsual,    ///< v1: "name" or "group@@name", which wins over groupName; v2 and v3: name and group apart
    kGrouped,  ///< "group@@name" only
    kEither,   ///< as v1, in any generation
};
/// The service, which must be named.
[[nodiscard]] ServiceKey read_service(Reader& reader, Spelling spelling = Spelling::kUsual);
/// The service in "namespace##group@@name" or "group@@name" (`GET instance/statuses`).
[[nodiscard]] ServiceKey read_status_key(Reader& reader, std::string_view text);
/// Namespace and group of calls about many services.
[[nodiscard]] std::string read_namespace(Reader& reader);
[[nodiscard]] std::string read_group(Reader& reader);

struct InstanceParameters {
    Instance instance;
    bool ephemeral = true;
};
[[nodiscard]] InstanceParameters read_instance(Reader& reader, bool ephemeral_by_default);

/// What tells an instance from others of its service.
struct Address {
    std::string ip;
    std::uint16_t port = 0;
    std::string cluster{kDefaultCluster};
};
/// `cluster_alias`: another parameter that names the cluster when clusterName does not; "" = none.
[[nodiscard]] Address read_address(Reader& reader, std::string_view cluster_alias = {});

/// A beat: of the `beat` JSON, or light, of ip, port and clusterName (`protocol/naming.md §4.1`).
struct BeatParameters {
    Instance instance;
    bool is_light = false;
};
[[nodiscard]] BeatParameters read_beat(Reader& reader);

/// What a PATCH sets of an instance; absent parts stay as they are.
struct PatchParameters {
    std::optional<double> weight;
    std::optional<bool> enabled;
    std::optional<Metadata> metadata;
};
[[nodiscard]] PatchParameters read_patch(Reader& reader);

/// A change of the metadata of several instances.
struct BatchParameters {
    struct Target {
        Address address;
        bool ephemeral = true;
    };
    std::vector<Target> targets;  ///< empty: all instances
    Metadata metadata;
};
[[nodiscard]] BatchParameters read_batch(Reader& reader);

/// The `metadata` parameter of any call.
[[nodiscard]] Metadata read_metadata(Reader& reader);
/// A JSON object, or "k=v,k2=v2"; nothing when it is neither.
[[nodiscard]] std::optional<Metadata> parse_metadata(std::string_view text);

}  // namespace pharos::naming
