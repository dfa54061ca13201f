#include "api_rpc/payloads.hpp"

#include <pharos/protocol/params.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::naming {

ServiceKey service_of(const protocol::JsonDocument& body) {
    ServiceKey key{std::string(protocol::trimmed(body.text("namespace"))), std::string(body.text("groupName")),
                   std::string(body.text("serviceName"))};
    if (key.namespace_id.empty()) {
        key.namespace_id = kPublicNamespace;
    }
    return key;
}

protocol::CheckFailure check_service(const ServiceKey& key) {
    return protocol::first_of(protocol::check_namespace(key.namespace_id), protocol::check_service_name(key.name),
                              protocol::check_group(key.group));
}

std::optional<std::string> find_blank(const ServiceKey& key) {
    if (protocol::trimmed(key.name).empty()) {
        return "Param 'serviceName' is illegal, serviceName is blank";
    }
    if (protocol::trimmed(key.group).empty()) {
        return "Param 'groupName' is illegal, groupName is blank";
    }
    return std::nullopt;
}

ParsedInstance parse_instance(const protocol::JsonDocument& body, const boost::json::object& json) {
    ParsedInstance parsed;
    Instance& instance = parsed.instance;
    instance.id = body.text(json, "instanceId");
    instance.ip = body.text(json, "ip");
    instance.healthy = protocol::boolean(json, "healthy", true);
    instance.enabled = protocol::boolean(json, "enabled", true);
    const std::string_view cluster = protocol::trimmed(body.text(json, "clusterName"));
    instance.cluster = cluster.empty() ? kDefaultCluster : cluster;
    const std::optional<std::int64_t> port = protocol::integer(json, "port", 0);
    const std::optional<double> weight = protocol::number(json, "weight", 1.0);
    std::size_t characters = 0;
    if (const boost::json::object* metadata = protocol::find_object(json, "metadata")) {
        for (const auto& [key, value] : *metadata) {
            if (!value.is_null()) {
                instance.metadata.emplace_back(std::string_view(key), body.text_of(value));
                characters += protocol::count_utf16_units(instance.metadata.back().first) +
                              protocol::count_utf16_units(instance.metadata.back().second);
            }
        }
    }
    instance.port = static_cast<std::uint16_t>(port.value_or(0));
    instance.weight = weight.value_or(1.0);
    parsed.failure = protocol::first_of(
        protocol::check_cluster(instance.cluster), protocol::check_ip(instance.ip),
        protocol::check_port(port.value_or(-1)), protocol::check_metadata_size(characters),
        weight ? std::nullopt : protocol::CheckFailure("Param 'weight' is illegal, the value should be a number."));
    return parsed;
}

void reply_instance(spi::RpcResponder responder, std::string_view response_type, std::string_view type) {
    const spi::Piece body[] = {R"({"resultCode":200,"errorCode":0,"type":")", type, R"(","success":true})"};
    responder.send(response_type, body);
}

void reply_service_info(spi::RpcResponder responder, std::string_view response_type, std::string_view message,
                        const ServiceKey& key, const ServiceSnapshot& snapshot, const Selection& selection,
                        std::int64_t cache_ms) {
    std::string head = R"({"resultCode":200,"errorCode":0,)";
    if (!message.empty()) {
        head += R"("message":)";
        sdk::JsonWriter::append_quoted(head, message);
        head += ',';
    }
    head += R"("serviceInfo":)";
    append_info_head(head, key.name, key.group, selection.clusters, cache_ms);
    SelectedHosts hosts = snapshot.select(selection);
    std::string tail;
    append_info_tail(tail, snapshot.last_ref_time(), hosts.reach_protection_threshold);
    tail += R"(,"success":true})";
    const spi::Piece body[] = {head, std::move(hosts.json), tail};
    responder.send(response_type, body);
}

}  // namespace pharos::naming
