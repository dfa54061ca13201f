#include "api_http/parameters.hpp"

#include <pharos/protocol/json.hpp>

#include "model/instance_override.hpp"

namespace pharos::naming {

namespace {

constexpr std::string_view kSeparator = "@@";
constexpr std::string_view kNotGrouped =
    "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'";

constexpr std::string_view kNoGroup = "Param 'serviceName' is illegal, groupName can't be empty";

std::size_t characters_of(const Metadata& metadata) {
    std::size_t characters = 0;
    for (const auto& [key, value] : metadata) {
        characters += protocol::count_utf16_units(key) + protocol::count_utf16_units(value);
    }
    return characters;
}

Metadata metadata_of(const protocol::JsonDocument& document, const boost::json::object& object) {
    Metadata metadata;
    metadata.reserve(object.size());
    for (const auto& [key, value] : object) {
        if (!value.is_null()) {
            metadata.emplace_back(std::string_view(key), document.text_of(value));
        }
    }
    return metadata;
}

void check_address(Reader& reader, std::string_view cluster, std::string_view ip, std::string_view port) {
    reader.check(
        protocol::first_of(protocol::check_cluster(cluster), protocol::check_ip(ip), protocol::check_port(port)));
}

void check_service(Reader& reader, const ServiceKey& key) {
    reader.check(protocol::first_of(protocol::check_namespace(key.namespace_id), protocol::check_service_name(key.name),
                                    protocol::check_group(key.group)));
}

std::uint16_t port_of(std::string_view text) {
    return static_cast<std::uint16_t>(protocol::whole_number(text).value_or(0));
}

/// The name's group part, when it has one, wins (`protocol/naming.md §0.1`).
void split_grouped_name(Reader& reader, std::string_view name, std::string_view group, ServiceKey& key) {
    const std::size_t at = name.find(kSeparator);
    if (at == std::string_view::npos) {
        key.group = group;
        key.name = name;
        return;
    }
    key.group = name.substr(0, at);
    key.name = name.substr(at + kSeparator.size());
    if (!key.group.empty() && !key.name.empty()) {
        return;
    }
    const std::string_view wrong = key.group.empty() ? kNoGroup : kNotGrouped;
    if (reader.generation() == Generation::kV1) {
        reader.refuse({Failure::Stage::kFilter, 400, protocol::ErrorCode::kServerError,
                       "Service name filter error,caused: " + std::string(wrong) + ";"});
    } else {
        reader.refuse(illegal(std::string(wrong)));
    }
}

double read_weight(Reader& reader) {
    constexpr double kHeaviest = 10000.0;
    const double weight = reader.decimal("weight", 1.0);
    if (weight < 0.0 || weight > kHeaviest) {
        reader.refuse(business_error(400, protocol::ErrorCode::kWeightError,
                                     "instance format invalid: The weights range from 0.0 to 10000.0"));
    }
    return weight;
}

}  // namespace

std::optional<Metadata> parse_metadata(std::string_view text) {
    if (text.empty()) {
        return Metadata{};
    }
    const protocol::JsonDocument document(text);
    if (document.status()) {
        return metadata_of(document, document.root());
    }
    Metadata metadata;
    while (!text.empty()) {
        const std::size_t end = text.find(',');
        const std::string_view pair = text.substr(0, end);
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || pair.find('=', equals + 1) != std::string_view::npos) {
            return std::nullopt;
        }
        set_value(metadata, pair.substr(0, equals), pair.substr(equals + 1));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return metadata;
}

Metadata read_metadata(Reader& reader) {
    const std::string_view raw = reader.text("metadata");
    std::optional<Metadata> metadata = parse_metadata(raw);
    if (!metadata) {
        reader.refuse(business_error(400, protocol::ErrorCode::kInstanceMetadataError,
                                     "metadata format incorrect:" + std::string(raw)));
        return {};
    }
    reader.check(protocol::check_metadata_size(characters_of(*metadata)));
    return std::move(*metadata);
}

std::string read_namespace(Reader& reader) {
    std::string namespace_id(reader.text("namespaceId", kPublicNamespace));
    reader.check(protocol::check_namespace(namespace_id));
    return namespace_id;
}

std::string read_group(Reader& reader) {
    std::string group(reader.text("groupName", kDefaultGroup));
    reader.check(protocol::check_group(group));
    return group;
}

ServiceKey read_service(Reader& reader, Spelling spelling) {
    ServiceKey key;
    key.namespace_id = reader.text("namespaceId", kPublicNamespace);
    const std::string_view group = reader.text("groupName", kDefaultGroup);
    const std::string_view name = reader.required("serviceName");
    if (reader.generation() != Generation::kV1 && spelling == Spelling::kUsual) {
        key.group = group;
        key.name = name;
    } else {
        split_grouped_name(reader, name, group, key);
        if (spelling == Spelling::kGrouped && reader.generation() != Generation::kV1 &&
            name.find(kSeparator) == std::string_view::npos) {
            reader.refuse(illegal(std::string(kNotGrouped)));
        }
    }
    check_service(reader, key);
    return key;
}

ServiceKey read_status_key(Reader& reader, std::string_view text) {
    constexpr std::string_view kConnector = "##";
    ServiceKey key;
    key.namespace_id = kPublicNamespace;
    std::string_view name = text;
    if (const std::size_t at = text.find(kConnector); at != std::string_view::npos) {
        key.namespace_id = text.substr(0, at);
        name = text.substr(at + kConnector.size());
    }
    const std::size_t at = name.find(kSeparator);
    if (text.empty()) {
        return key;  // noted as missing
    }
    if (at == std::string_view::npos || at + kSeparator.size() == name.size()) {
        reader.refuse(illegal(std::string(kNotGrouped)));
    } else if (at == 0) {
        reader.refuse(illegal(std::string(kNoGroup)));
    } else {
        key.group = name.substr(0, at);
        key.name = name.substr(at + kSeparator.size());
        check_service(reader, key);
    }
    return key;
}

InstanceParameters read_instance(Reader& reader, bool ephemeral_by_default) {
    const bool v1 = reader.generation() == Generation::kV1;
    InstanceParameters parsed;
    Instance& instance = parsed.instance;
    const std::string_view ip = reader.required("ip");
    const std::string_view port = reader.required("port", "Integer");
    const std::string_view cluster =
        reader.text("clusterName", v1 ? reader.text("cluster", kDefaultCluster) : kDefaultCluster);
    check_address(reader, cluster, ip, port);
    instance.ip = ip;
    instance.port = port_of(port);
    instance.cluster = cluster;
    instance.weight = read_weight(reader);
    instance.healthy = reader.truth("healthy", true);
    instance.enabled = reader.truth("enabled", v1 ? reader.truth("enable", true) : true);
    instance.metadata = read_metadata(reader);
    parsed.ephemeral = reader.truth("ephemeral", ephemeral_by_default);
    instance.ephemeral = parsed.ephemeral;
    return parsed;
}

Address read_address(Reader& reader, std::string_view cluster_alias) {
    const std::string_view ip = reader.required("ip");
    const std::string_view port = reader.required("port", "Integer");
    const std::string_view other = cluster_alias.empty() ? std::string_view{} : reader.text(cluster_alias);
    const std::string_view cluster = reader.text("clusterName", other.empty() ? kDefaultCluster : other);
    check_address(reader, cluster, ip, port);
    return {std::string(ip), port_of(port), std::string(cluster)};
}

BeatParameters read_beat(Reader& reader) {
    BeatParameters parsed;
    Instance& instance = parsed.instance;
    const std::string_view beat = reader.text("beat");
    std::string_view port = reader.text("port");
    std::string_view ip = reader.text("ip");
    const std::string_view cluster = reader.text("clusterName", kDefaultCluster);
    parsed.is_light = beat.empty();
    if (parsed.is_light) {
        check_address(reader, cluster, ip, port);
        instance.ip = ip;
        instance.port = port_of(port);
        instance.cluster = cluster;
        return parsed;
    }
    const protocol::JsonDocument document(beat);
    if (!document.status()) {
        reader.refuse({Failure::Stage::kFilter, 500, protocol::ErrorCode::kServerError,
                       "Server failed, caused: beat is no JSON: " + document.status().message()});
        return parsed;
    }
    ip = document.text("ip");
    port = document.text("port");
    const std::string_view own_cluster = protocol::trimmed(document.text("cluster"));
    instance.ip = ip;
    instance.port = port_of(port);
    instance.cluster = own_cluster.empty() ? cluster : own_cluster;
    instance.weight = protocol::number(document.root(), "weight", 0.0).value_or(0.0);
    if (const boost::json::object* metadata = protocol::find_object(document.root(), "metadata")) {
        instance.metadata = metadata_of(document, *metadata);
    }
    check_address(reader, instance.cluster, ip, port);
    reader.check(protocol::check_metadata_size(characters_of(instance.metadata)));
    return parsed;
}

PatchParameters read_patch(Reader& reader) {
    PatchParameters parsed;
    if (!reader.text("weight").empty()) {
        parsed.weight = read_weight(reader);
    }
    parsed.enabled = reader.find_truth("enabled");
    if (!reader.text("metadata").empty()) {
        parsed.metadata = read_metadata(reader);
    }
    return parsed;
}

BatchParameters read_batch(Reader& reader) {
    BatchParameters parsed;
    // consistencyType says of which kind the service is, which is no part of its identity.
    reader.required("metadata");
    parsed.metadata = read_metadata(reader);
    // What is no array counts as absent (protocol/naming.md §2.3), so it is put where an array is expected.
    const std::string wrapped = "{\"instances\":" + std::string(reader.text("instances", "[]")) + "}";
    const protocol::JsonDocument document(wrapped);
    if (document.is_too_deep()) {  // never taken for absent, which means all of them
        reader.refuse(illegal("Param 'instances' is illegal, it is " + std::string(document.status().message())));
        return parsed;
    }
    const boost::json::array* targets = protocol::find_array(document.root(), "instances");
    if (targets == nullptr) {
        return parsed;
    }
    for (const boost::json::value& item : *targets) {
        const boost::json::object* target = item.if_object();
        if (target == nullptr) {
            continue;
        }
        const std::string_view cluster = document.text(*target, "clusterName");
        BatchParameters::Target read;
        read.address.ip = document.text(*target, "ip");
        read.address.cluster = cluster.empty() ? kDefaultCluster : cluster;
        read.ephemeral = protocol::boolean(*target, "ephemeral", true);
        const std::string_view port = document.text(*target, "port");
        check_address(reader, read.address.cluster, read.address.ip, port);
        read.address.port = port_of(port);
        parsed.targets.push_back(std::move(read));
    }
    return parsed;
}

}  // namespace pharos::naming
