#include "api_http/shapes.hpp"

#include <algorithm>

namespace pharos::naming {

namespace {

using sdk::JsonWriter;

/// What operators have set for a service, or the defaults.
const ServiceMetadata& metadata_of(const ServiceSnapshot& snapshot) {
    static const ServiceMetadata kNone;
    return snapshot.metadata() != nullptr ? *snapshot.metadata() : kNone;
}

const ClusterMetadata& cluster_of(const ServiceMetadata& metadata, std::string_view name) {
    static const ClusterMetadata kNone;
    const auto found = metadata.clusters.find(std::string(name));
    return found == metadata.clusters.end() ? kNone : found->second;
}

/// A host in lists with instances of v1 and v2.
void append_address(JsonWriter& json, const Instance& instance) {
    json.begin_object().member("valid", instance.healthy).key("metadata");
    append_metadata(json, instance.metadata);
    json.member("port", instance.port).member("ip", instance.ip).member("weight", instance.weight);
    json.member("enabled", instance.enabled).end_object();
}

void append_cluster_hosts(JsonWriter& json, const ServiceSnapshot& snapshot, std::string_view cluster,
                          Generation generation, DetailHosts hosts) {
    json.key("hosts");
    if (hosts == DetailHosts::kNone) {
        json.null();
        return;
    }
    json.begin_array();
    for (const HostPtr& host : snapshot.hosts()) {
        if (host->instance().cluster != cluster) {
            continue;
        }
        if (generation == Generation::kV3) {
            json.raw(host->json());
        } else {
            append_address(json, host->instance());
        }
    }
    json.end_array();
}

void append_cluster_map(JsonWriter& json, const ServiceSnapshot& snapshot, Generation generation, DetailHosts hosts) {
    const ServiceMetadata& metadata = metadata_of(snapshot);
    json.key("clusterMap").begin_object();
    for (const std::string_view name : cluster_names(snapshot)) {
        const ClusterMetadata& cluster = cluster_of(metadata, name);
        json.key(name).begin_object().member("clusterName", name).key("healthChecker");
        append_json(json, cluster.checker);
        if (generation == Generation::kV3) {
            json.member("healthyCheckPort", cluster.check_port);
            json.member("useInstancePortForCheck", cluster.use_instance_port);
        }
        json.key("metadata");
        append_metadata(json, cluster.data);
        append_cluster_hosts(json, snapshot, name, generation, hosts);
        json.end_object();
    }
    json.end_object();
}

}  // namespace

std::vector<std::string_view> cluster_names(const ServiceSnapshot& snapshot) {
    std::vector<std::string_view> names;
    for (const HostPtr& host : snapshot.hosts()) {
        const std::string_view name = host->instance().cluster;
        const auto place = std::lower_bound(names.begin(), names.end(), name);
        if (place == names.end() || *place != name) {
            names.insert(place, name);
        }
    }
    return names;
}

HostPtr find_host(const ServiceSnapshot& snapshot, std::string_view ip, std::uint16_t port, std::string_view cluster) {
    const auto found = std::find_if(snapshot.hosts().begin(), snapshot.hosts().end(), [&](const HostPtr& host) {
        const Instance& instance = host->instance();
        return instance.port == port && instance.ip == ip && instance.cluster == cluster;
    });
    return found == snapshot.hosts().end() ? nullptr : *found;
}

std::string address_of(const SubscriberInfo& subscriber) {
    return subscriber.port == 0 ? subscriber.ip : subscriber.ip + ":" + std::to_string(subscriber.port);
}

void append_metadata(JsonWriter& json, const Metadata& metadata) {
    json.begin_object();
    for (const auto& [key, value] : metadata) {
        json.member(key, value);
    }
    json.end_object();
}

void append_service_row(JsonWriter& json, const Service& service) {
    const SnapshotPtr snapshot = service.snapshot();
    const std::vector<HostPtr>& hosts = snapshot->hosts();
    const auto healthy = static_cast<std::size_t>(
        std::count_if(hosts.begin(), hosts.end(), [](const HostPtr& host) { return host->instance().healthy; }));
    const double threshold = metadata_of(*snapshot).protect_threshold;
    const bool triggered =
        !hosts.empty() && static_cast<double>(healthy) / static_cast<double>(hosts.size()) <= threshold;
    json.begin_object().member("name", service.key().name).member("groupName", service.key().group);
    json.member("clusterCount", cluster_names(*snapshot).size()).member("ipCount", hosts.size());
    json.member("healthyInstanceCount", healthy).member("triggerFlag", triggered ? "true" : "false").end_object();
}

void append_service_detail(JsonWriter& json, const Service& service, Generation generation, DetailHosts hosts) {
    const SnapshotPtr snapshot = service.snapshot();
    const ServiceMetadata& metadata = metadata_of(*snapshot);
    const ServiceKey& key = service.key();
    const bool item = generation == Generation::kV3 && hosts == DetailHosts::kAll;
    json.begin_object().key(generation == Generation::kV3 ? "namespaceId" : "namespace");
    if (item) {
        json.null();
    } else {
        json.value(key.namespace_id);
    }
    json.member("serviceName", key.name).member("groupName", key.group);
    append_cluster_map(json, *snapshot, generation, hosts);
    json.key("metadata");
    append_metadata(json, metadata.data);
    json.member("protectThreshold", metadata.protect_threshold).key("selector");
    if (item) {
        json.null().key("ephemeral").null().end_object();
        return;
    }
    append_json(json, metadata.selector);
    json.member("ephemeral", service.is_ephemeral()).end_object();
}

void append_service_v1(JsonWriter& json, const Service& service) {
    const SnapshotPtr snapshot = service.snapshot();
    const ServiceMetadata& metadata = metadata_of(*snapshot);
    const ServiceKey& key = service.key();
    json.begin_object().member("namespaceId", key.namespace_id).member("groupName", key.group);
    json.member("name", key.name).member("protectThreshold", metadata.protect_threshold).key("metadata");
    append_metadata(json, metadata.data);
    json.key("selector");
    append_json(json, metadata.selector);
    json.key("clusters").begin_array();
    for (const std::string_view name : cluster_names(*snapshot)) {
        const ClusterMetadata& cluster = cluster_of(metadata, name);
        json.begin_object().member("name", name).key("healthChecker");
        append_json(json, cluster.checker);
        json.key("metadata");
        append_metadata(json, cluster.data);
        json.end_object();
    }
    json.end_array().end_object();
}

void append_catalog_service(JsonWriter& json, const Service& service) {
    const SnapshotPtr snapshot = service.snapshot();
    const ServiceMetadata& metadata = metadata_of(*snapshot);
    json.begin_object().key("service").begin_object();
    json.member("name", service.key().name).member("groupName", service.key().group);
    json.member("protectThreshold", metadata.protect_threshold).key("selector");
    append_json(json, metadata.selector);
    json.key("metadata");
    append_metadata(json, metadata.data);
    json.end_object().key("clusters").begin_array();
    for (const std::string_view name : cluster_names(*snapshot)) {
        const ClusterMetadata& cluster = cluster_of(metadata, name);
        json.begin_object().member("serviceName", service.grouped_name()).member("name", name).key("healthChecker");
        append_json(json, cluster.checker);
        json.member("defaultPort", 80).member("defaultCheckPort", cluster.check_port);
        json.member("useIpPort4Check", cluster.use_instance_port).key("metadata");
        append_metadata(json, cluster.data);
        json.end_object();
    }
    json.end_array().end_object();
}

}  // namespace pharos::naming
