#include "api_http/instance_calls.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pharos/protocol/replies.hpp>
#include <pharos/protocol/request.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "api_http/outcomes.hpp"
#include "api_http/shapes.hpp"

namespace pharos::naming {

namespace {

using protocol::ErrorCode;

/// What a PATCH or a form leaves of an override that is there, or of a fresh one (`protocol/naming.md §1.5`).
void apply(InstanceOverride& override, const PatchParameters& patch) {
    override.weight = patch.weight.value_or(override.weight);
    override.enabled = patch.enabled.value_or(override.enabled);
    if (patch.metadata) {
        override.data = *patch.metadata;
    }
}

Failure no_such_instance(const ServiceSnapshot& snapshot, const ServiceKey& key, const Address& address) {
    return business_error(404, ErrorCode::kResourceNotFound,
                          snapshot.hosts().empty()
                              ? "no ips found for cluster " + address.cluster + " in service " + key.grouped_name()
                              : "no matched ip found!");
}

std::string detail_json(const Host& host, const ServiceKey& key, Generation generation) {
    if (generation == Generation::kV3) {
        return host.json();
    }
    const Instance& instance = host.instance();
    const bool v1 = generation == Generation::kV1;
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().member(v1 ? "service" : "serviceName", key.grouped_name()).member("ip", instance.ip);
    json.member("port", instance.port).member("clusterName", instance.cluster).member("weight", instance.weight);
    json.member("healthy", instance.healthy).member("instanceId", instance_id(instance, key)).key("metadata");
    append_metadata(json, instance.metadata);
    json.end_object();
    return body;
}

}  // namespace

void InstanceCalls::register_instance(Call& call) {
    ServiceKey key = read_service(call.read);
    InstanceParameters parsed = read_instance(call.read, ephemeral_by_default());
    if (!call.refused()) {
        admit(call, std::move(key), std::move(parsed));
    }
}

void InstanceCalls::admit(Call& call, ServiceKey key, InstanceParameters parsed) {
    if (const std::optional<std::string> wrong = check_instance(parsed.instance)) {
        call.answer.refuse(business_error(400, ErrorCode::kInstanceError, *wrong));
        return;
    }
    if (!parsed.ephemeral) {
        persistent_.register_instance(std::move(key), std::move(parsed.instance), registering(call));
        return;
    }
    heartbeats_.register_instance(key, std::move(parsed.instance),
                                  [answer = std::move(call.answer)](const spi::Result<TiePtr>& outcome) mutable {
                                      if (outcome) {
                                          answer.ok();
                                      } else {
                                          answer.refuse(registration_failure(outcome.error()));
                                      }
                                  });
}

void InstanceCalls::register_or_renew(Call& call) {
    ServiceKey key = read_service(call.read);
    InstanceParameters parsed = read_instance(call.read, ephemeral_by_default());
    const bool renew = call.read.truth("heartBeat", false);
    if (call.refused()) {
        return;
    }
    if (!renew) {
        admit(call, std::move(key), std::move(parsed));
        return;
    }
    heartbeats_.beat(key, std::move(parsed.instance), true,
                     [answer = std::move(call.answer)](spi::Result<BeatAnswer> outcome) mutable {
                         if (!outcome) {
                             answer.refuse(registration_failure(outcome.error()));
                         } else if (outcome->code == BeatAnswer::kOk) {
                             answer.ok();
                         } else {
                             // Not an error to HTTP (protocol/naming.md §2.5).
                             answer.unwrap();
                             answer.json(R"({"code":21003,"message":"instance not found","data":null})");
                         }
                     });
}

void InstanceCalls::deregister(Call& call) {
    const ServiceKey key = read_service(call.read);
    const InstanceParameters parsed = read_instance(call.read, ephemeral_by_default());
    if (call.refused()) {
        return;
    }
    if (!parsed.ephemeral) {
        persistent_.deregister_instance(key, parsed.instance.ip, parsed.instance.port, registering(call));
        return;
    }
    heartbeats_.deregister_instance(
        key, parsed.instance.ip, parsed.instance.port,
        [answer = std::move(call.answer)](const spi::Result<TiePtr>&) mutable { answer.ok(); });
}

void InstanceCalls::update(Call& call) {
    ServiceKey key = read_service(call.read);
    InstanceParameters parsed = read_instance(call.read, ephemeral_by_default());
    if (call.refused()) {
        return;
    }
    if (const std::optional<std::string> wrong = check_instance(parsed.instance)) {
        call.answer.refuse(business_error(400, ErrorCode::kInstanceError, *wrong));
        return;
    }
    Instance& instance = parsed.instance;
    InstanceOverride override{instance.weight, instance.enabled, std::move(instance.metadata)};
    catalogue_.override_instance(
        std::move(key), std::move(instance.ip), instance.port, std::move(instance.cluster), parsed.ephemeral,
        [override = std::move(override)](InstanceOverride& current) { current = override; },
        answering(call, {.not_found = ErrorCode::kInstanceError}));
}

void InstanceCalls::patch(Call& call) {
    const ServiceKey key = read_service(call.read);
    const Address address = read_address(call.read, "cluster");
    PatchParameters patch = read_patch(call.read);
    if (!call.refused()) {
        override_known(call, key, address, std::move(patch));
    }
}

void InstanceCalls::patch_all(Call& call) {
    const ServiceKey key = read_service(call.read, Spelling::kGrouped);
    const Address address = read_address(call.read, "cluster");
    call.read.required("weight", "Double");
    call.read.required("enabled", "Boolean");
    call.read.required("metadata");
    PatchParameters patch = read_patch(call.read);
    if (!call.refused()) {
        call.answer.unwrap();
        override_known(call, key, address, std::move(patch));
    }
}

void InstanceCalls::update_partly(Call& call) {
    const ServiceKey key = read_service(call.read);
    InstanceParameters parsed = read_instance(call.read, ephemeral_by_default());
    const bool with_metadata = !call.read.text("metadata").empty();
    if (call.refused()) {
        return;
    }
    Instance& instance = parsed.instance;
    PatchParameters patch{instance.weight, instance.enabled, std::nullopt};
    if (with_metadata) {
        patch.metadata = std::move(instance.metadata);
    }
    override_known(call, key, {instance.ip, instance.port, instance.cluster}, std::move(patch));
}

void InstanceCalls::override_known(Call& call, const ServiceKey& key, const Address& address, PatchParameters patch) {
    const SnapshotPtr snapshot = registry_.snapshot(key);
    if (find_host(*snapshot, address.ip, address.port, address.cluster) == nullptr) {
        call.answer.refuse(no_such_instance(*snapshot, key, address));
        return;
    }
    catalogue_.override_instance(
        key, address.ip, address.port, address.cluster, true,
        [patch = std::move(patch)](InstanceOverride& override) { apply(override, patch); },
        answering(call, {.not_found = ErrorCode::kInstanceError}));
}

void InstanceCalls::update_metadata(Call& call) {
    change_metadata(call, [](InstanceOverride& override, const Metadata& given) {
        for (const auto& [key, value] : given) {
            set_value(override.data, key, value);
        }
    });
}

void InstanceCalls::delete_metadata(Call& call) {
    change_metadata(call, [](InstanceOverride& override, const Metadata& given) {
        std::erase_if(override.data, [&](const auto& pair) { return find_value(given, pair.first).has_value(); });
    });
}

void InstanceCalls::change_metadata(Call& call, std::function<void(InstanceOverride&, const Metadata&)> change) {
    const ServiceKey key = read_service(call.read);
    BatchParameters batch = read_batch(call.read);
    if (call.refused()) {
        return;
    }
    const SnapshotPtr snapshot = registry_.snapshot(key);
    if (batch.targets.empty()) {
        for (const HostPtr& host : snapshot->hosts()) {
            const Instance& instance = host->instance();
            batch.targets.push_back({{instance.ip, instance.port, instance.cluster}, instance.ephemeral});
        }
    } else {
        std::erase_if(batch.targets, [&](BatchParameters::Target& target) {
            const Address& address = target.address;
            const HostPtr host = find_host(*snapshot, address.ip, address.port, address.cluster);
            target.ephemeral = host == nullptr || host->instance().ephemeral;
            return host == nullptr;
        });
    }
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().key("updated").begin_array();
    for (const auto& [address, ephemeral] : batch.targets) {
        json.value(address.ip + ":" + std::to_string(address.port) + ":unknown:" + address.cluster +
                   (ephemeral ? ":ephemeral" : ":persist"));
    }
    json.end_array().end_object();
    const auto all = std::make_shared<AllDone>(call, batch.targets.size(), std::move(body));
    const auto given = std::make_shared<const Metadata>(std::move(batch.metadata));
    for (BatchParameters::Target& target : batch.targets) {
        catalogue_.override_instance(
            key, std::move(target.address.ip), target.address.port, std::move(target.address.cluster), target.ephemeral,
            [change, given](InstanceOverride& override) { change(override, *given); },
            [all](const spi::Result<bool>& outcome) { all->one(outcome); });
    }
}

void InstanceCalls::beat(Call& call) {
    const ServiceKey key = read_service(call.read, Spelling::kGrouped);
    BeatParameters parsed = read_beat(call.read);
    if (call.refused()) {
        return;
    }
    call.answer.unwrap();
    heartbeats_.beat(key, std::move(parsed.instance), parsed.is_light,
                     [this, answer = std::move(call.answer)](spi::Result<BeatAnswer> outcome) mutable {
                         if (!outcome) {
                             answer.refuse(registration_failure(outcome.error()));
                             return;
                         }
                         std::string body;
                         sdk::JsonWriter(body)
                             .begin_object()
                             .member("clientBeatInterval", outcome->interval_ms)
                             .member("code", outcome->code)
                             .member("lightBeatEnabled", switches_.current()->light_beat_enabled)
                             .end_object();
                         answer.json(body);
                     });
}

void InstanceCalls::detail(Call& call) {
    const ServiceKey key = read_service(call.read);
    const Address address = read_address(call.read);
    if (call.refused()) {
        return;
    }
    const SnapshotPtr snapshot = registry_.snapshot(key);
    const HostPtr host = find_host(*snapshot, address.ip, address.port, address.cluster);
    if (host == nullptr) {
        call.answer.refuse(no_such_instance(*snapshot, key, address));
    } else {
        call.answer.json(detail_json(*host, key, call.generation()));
    }
}

void InstanceCalls::list(Call& call) {
    const bool v1 = call.generation() == Generation::kV1;
    const ServiceKey key = read_service(call.read);
    const std::string_view clusters = call.read.text(v1 ? "clusters" : "clusterName");
    call.read.check(protocol::check_clusters(clusters));
    const bool healthy_only = call.read.plain_truth("healthyOnly", false);
    const std::int64_t udp_port = call.read.whole(v1 ? "udpPort" : "port", 0);
    if (call.refused()) {
        return;
    }
    const ServicePtr service = registry_.find(key);
    const SnapshotPtr snapshot = service != nullptr ? service->snapshot() : registry_.snapshot(key);
    const SelectedHosts selected = snapshot->select({.clusters = clusters, .healthy_only = healthy_only});
    std::string head;
    append_info_head(head, key.grouped_name(), key.group, clusters, switches_.cache_millis());
    std::string tail;
    append_info_tail(tail, snapshot->last_ref_time(), selected.reach_protection_threshold);
    call.answer.json({head, selected.json, tail});
    if (udp_port > 0 && udp_port <= std::numeric_limits<std::uint16_t>::max()) {
        // After the reply, so that the first push comes after it.
        udp_.on_list(key, clusters,
                     {.ip = call.read.text(v1 ? "clientIP" : "ip", call.request.remote_ip),
                      .port = static_cast<std::uint16_t>(udp_port),
                      .agent = protocol::client_agent(call.request),
                      .app = call.read.text("app")});
    }
}

void InstanceCalls::list_for_clients(Call& call) {
    const ServiceKey key = read_service(call.read);
    const std::string_view cluster = call.read.text("clusterName", kDefaultCluster);
    call.read.check(protocol::check_cluster(cluster));
    call.read.truth("healthyOnly", false);  // taken and without effect (protocol/naming.md §2.5)
    if (!call.refused()) {
        call.answer.json({"[", registry_.snapshot(key)->select({.clusters = cluster}).json, "]"});
    }
}

void InstanceCalls::list_for_operators(Call& call) {
    const ServiceKey key = read_service(call.read);
    const std::string_view cluster = call.read.text("clusterName", kDefaultCluster);
    call.read.check(protocol::check_cluster(cluster));
    const bool healthy_only = call.read.truth("healthyOnly", false);
    if (call.refused()) {
        return;
    }
    std::vector<HostPtr> hosts;
    if (const std::optional<Failure> failure = find_cluster_hosts(registry_, key, cluster, hosts)) {
        call.answer.refuse(*failure);
        return;
    }
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_array();
    for (const HostPtr& host : hosts) {
        if (!healthy_only || host->instance().healthy) {
            json.raw(host->json());
        }
    }
    json.end_array();
    call.answer.json(body);
}

void InstanceCalls::statuses(Call& call) { answer_statuses(call, call.read.required("key")); }

void InstanceCalls::statuses_of_path(Call& call) {
    answer_statuses(call, call.request.path.substr(call.request.path.rfind('/') + 1));
}

void InstanceCalls::answer_statuses(Call& call, std::string_view text) {
    const ServiceKey key = read_status_key(call.read, text);
    if (call.refused()) {
        return;
    }
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().key("ips").begin_array();
    const SnapshotPtr shown = registry_.snapshot(key);
    for (const HostPtr& host : shown->hosts()) {
        const Instance& instance = host->instance();
        json.value(instance.ip + ":" + std::to_string(instance.port) + (instance.healthy ? "_true" : "_false"));
    }
    json.end_array().end_object();
    call.answer.unwrap();
    call.answer.json(body);
}

}  // namespace pharos::naming
