#include "api_http/parameters.hpp"

#include <pharos/protocol/json.hpp>

namespace pharos::naming {

namespace {

std::size_t characters_of(const Metadata& metadata) {
    std::size_t characters = 0;
    for (const auto& [key, value] : metadata) {
        characters += protocol::count_utf16_units(key) + protocol::count_utf16_units(value);
    }
    return characters;
}

Metadata metadata_of(const protocol::JsonDocument& document, const boost::json::object& object) {
    Metadata metadata;
    for (const auto& [key, value] : object) {
        if (!value.is_null()) {
            metadata.emplace_back(std::string_view(key), document.text_of(value));
        }
    }
    return metadata;
}

protocol::CheckFailure check_address(const Instance& instance, std::string_view port) {
    return protocol::first_of(protocol::check_cluster(instance.cluster), protocol::check_ip(instance.ip),
                              protocol::check_port(port),
                              protocol::check_metadata_size(characters_of(instance.metadata)));
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
        metadata.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return metadata;
}

ServiceParameter service_parameter(const protocol::Params& params) {
    ServiceParameter service;
    service.key.namespace_id = params.get_or("namespaceId", kPublicNamespace);
    const std::string_view name = params.get("serviceName");
    const std::size_t at = name.find("@@");
    if (at == std::string_view::npos) {
        service.key.group = params.get_or("groupName", kDefaultGroup);
        service.key.name = name;
        return service;
    }
    service.key.group = name.substr(0, at);
    service.key.name = name.substr(at + 2);
    if (service.key.group.empty()) {
        service.malformed = "Param 'serviceName' is illegal, groupName can't be empty";
    } else if (service.key.name.empty()) {
        service.malformed = "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'";
    }
    return service;
}

protocol::CheckFailure check_service_parameter(const ServiceKey& key) {
    return protocol::first_of(protocol::check_namespace(key.namespace_id), protocol::check_service_name(key.name),
                              protocol::check_group(key.group));
}

InstanceParameters instance_parameters(const protocol::Params& params) {
    constexpr double kHeaviest = 10000.0;
    InstanceParameters parsed;
    Instance& instance = parsed.instance;
    instance.ip = params.get("ip");
    const std::string_view port = params.get("port");
    instance.cluster = params.get_or("clusterName", params.get_or("cluster", kDefaultCluster));
    instance.healthy = protocol::word_is_true(params.get_or("healthy", "true"));
    instance.enabled = protocol::word_is_true(params.get_or("enabled", params.get_or("enable", "true")));
    parsed.ephemeral = protocol::word_is_true(params.get_or("ephemeral", "true"));
    const std::string_view raw_metadata = params.get("metadata");
    std::optional<Metadata> metadata = parse_metadata(raw_metadata);
    instance.metadata = metadata ? std::move(*metadata) : Metadata{};
    parsed.check_failure = check_address(instance, port);
    const std::optional<double> weight = protocol::decimal_number(params.get_or("weight", "1"));
    if (instance.ip.empty() || port.empty()) {
        parsed.error = std::string("Param '") + (instance.ip.empty() ? "ip" : "port") + "' is required.";
    } else if (!weight || *weight < 0.0 || *weight > kHeaviest) {
        parsed.error = "instance format invalid: The weights range from 0.0 to 10000.0";
    } else if (!metadata) {
        parsed.error = "metadata format incorrect:" + std::string(raw_metadata);
    } else {
        instance.weight = *weight;
        instance.port = static_cast<std::uint16_t>(protocol::whole_number(port).value_or(0));
    }
    return parsed;
}

BeatParameters beat_parameters(const protocol::Params& params) {
    BeatParameters parsed;
    Instance& instance = parsed.instance;
    const std::string_view beat = params.get("beat");
    std::string port(params.get("port"));
    instance.ip = params.get("ip");
    instance.cluster = params.get_or("clusterName", kDefaultCluster);
    parsed.is_light = beat.empty();
    if (!parsed.is_light) {
        const protocol::JsonDocument document(beat);
        if (!document.status()) {
            parsed.error = "Server failed, caused: beat is no JSON: " + document.status().message();
            return parsed;
        }
        instance.ip = document.text("ip");
        port = document.text("port");
        const std::string_view cluster = protocol::trimmed(document.text("cluster"));
        instance.cluster = cluster.empty() ? instance.cluster : std::string(cluster);
        instance.weight = protocol::number(document.root(), "weight", 0.0).value_or(0.0);
        if (const boost::json::object* metadata = protocol::find_object(document.root(), "metadata")) {
            instance.metadata = metadata_of(document, *metadata);
        }
    }
    parsed.check_failure = check_address(instance, port);
    instance.port = static_cast<std::uint16_t>(protocol::whole_number(port).value_or(0));
    return parsed;
}

}  // namespace pharos::naming
