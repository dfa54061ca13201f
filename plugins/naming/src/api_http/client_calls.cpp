#include "api_http/client_calls.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "api_http/parameters.hpp"
#include "api_http/shapes.hpp"

namespace pharos::naming {

namespace {

using sdk::JsonWriter;

void append_service(JsonWriter& json, const ServiceKey& key, Generation generation) {
    const bool v3 = generation == Generation::kV3;
    json.member(v3 ? "namespaceId" : "namespace", key.namespace_id).member(v3 ? "groupName" : "group", key.group);
    json.member("serviceName", key.name);
}

void append_published(JsonWriter& json, const ServiceKey& key, const Instance& instance, Generation generation) {
    const bool v3 = generation == Generation::kV3;
    json.begin_object();
    append_service(json, key, generation);
    json.key(v3 ? "publisherInfo" : "registeredInstance").begin_object();
    if (v3) {
        json.key("clientId").null();
    }
    json.member("ip", instance.ip).member("port", instance.port);
    json.member(v3 ? "clusterName" : "cluster", instance.cluster).end_object();
    if (v3) {
        json.key("subscriberInfo").null();
    }
    json.end_object();
}

void append_subscribed(JsonWriter& json, const ServiceKey& key, const SubscriberInfo& info, Generation generation) {
    json.begin_object();
    append_service(json, key, generation);
    if (generation == Generation::kV3) {
        json.key("publisherInfo").null().key("subscriberInfo").begin_object().key("clientId").null();
        json.member("appName", info.app).member("agent", info.agent).member("address", address_of(info));
    } else {
        json.key("subscriberInfo").begin_object().member("app", info.app).member("agent", info.agent);
        json.member("addr", address_of(info));
    }
    json.end_object().end_object();
}

/// Which members of a service are asked for.
struct MemberFilter {
    std::optional<std::string> ip;
    std::optional<std::int64_t> port;

    /// What is not asked for matches any.
    [[nodiscard]] bool matches(const std::string& other_ip, std::uint16_t other_port) const {
        return (!ip || *ip == other_ip) && (!port || *port == other_port);
    }
    [[nodiscard]] bool is_complete() const { return ip && port; }
};

MemberFilter read_filter(Reader& reader) {
    MemberFilter filter;
    if (const std::string_view ip = reader.text("ip"); !ip.empty()) {
        filter.ip = ip;
        reader.check(protocol::check_ip(ip));
    }
    if (const std::string_view port = reader.text("port"); !port.empty()) {
        reader.check(protocol::check_port(port));
        filter.port = protocol::whole_number(port);
    }
    return filter;
}

}  // namespace

void ClientCalls::list(Call& call) {
    std::string body;
    JsonWriter json(body);
    json.begin_array();
    for (const ClientPtr& client : registry_.clients()) {
        json.value(client->id());
    }
    json.end_array();
    call.answer.json(body);
}

ClientPtr ClientCalls::find(Call& call) const {
    const std::string_view id = call.read.required("clientId");
    if (call.refused()) {
        return nullptr;
    }
    ClientPtr client = registry_.find_client(id);
    if (client == nullptr) {
        call.answer.refuse(business_error(404, protocol::ErrorCode::kResourceNotFound,
                                          "clientId [ " + std::string(id) + " ] not exist"));
    }
    return client;
}

void ClientCalls::detail(Call& call) {
    const ClientPtr client = find(call);
    if (client == nullptr) {
        return;
    }
    const spi::ConnectionPtr& connection = client->connection();
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("clientId", client->id()).member("ephemeral", !client->is_persistent());
    json.member("lastUpdatedTime", client->updated_ms());
    json.member("clientType", connection != nullptr ? "connection" : "ipPort");
    if (connection != nullptr) {
        json.member("connectType", "GRPC").member("appName", connection->app_name);
        json.member("version", connection->client_version).member("clientIp", connection->client_ip);
        json.member("clientPort", connection->remote_port);
    } else {
        json.key("connectType").null().key("appName").null().key("version").null().key("clientIp").null();
        json.member("clientPort", 0);
    }
    json.end_object();
    call.answer.json(body);
}

void ClientCalls::published(Call& call) {
    const ClientPtr client = find(call);
    if (client == nullptr) {
        return;
    }
    std::string body;
    JsonWriter json(body);
    json.begin_array();
    for (const TiePtr& tie : Registry::ties(client)) {
        if (const PublicationPtr publication = tie->publication.load()) {
            for (const HostPtr& host : publication->hosts) {
                append_published(json, tie->service->key(), host->instance(), call.generation());
            }
        }
    }
    json.end_array();
    call.answer.json(body);
}

void ClientCalls::subscribed(Call& call) {
    const ClientPtr client = find(call);
    if (client == nullptr) {
        return;
    }
    const SubscriberInfoPtr info = client->subscriber_info();
    std::string body;
    JsonWriter json(body);
    json.begin_array();
    for (const TiePtr& tie : Registry::ties(client)) {
        if (info != nullptr && tie->subscription.load() != nullptr) {
            append_subscribed(json, tie->service->key(), *info, call.generation());
        }
    }
    json.end_array();
    call.answer.json(body);
}

template <class Append>
void ClientCalls::answer_members(Call& call, Append append) const {
    const ServiceKey key = read_service(call.read);
    MemberFilter filter = read_filter(call.read);
    call.read.truth("ephemeral", true);  // no part of a service's identity
    if (call.refused()) {
        return;
    }
    const ServicePtr service = registry_.find(key);
    Registry::members(service != nullptr ? std::vector{service} : std::vector<ServicePtr>{},
                      [filter = std::move(filter), append,
                       answer = std::move(call.answer)](const std::vector<ServiceMembers>& members) mutable {
                          std::string body;
                          JsonWriter json(body);
                          json.begin_array();
                          for (const ServiceMembers& each : members) {
                              append(json, each, filter, answer.generation());
                          }
                          json.end_array();
                          answer.json(body);
                      });
}

void ClientCalls::publishers(Call& call) {
    answer_members(
        call, [](JsonWriter& json, const ServiceMembers& members, const MemberFilter& filter, Generation generation) {
            const bool v3 = generation == Generation::kV3;
            for (const Service::Publisher& publisher : members.publishers) {
                for (const HostPtr& host : publisher.applied->hosts) {
                    const Instance& instance = host->instance();
                    // In v2 what is not asked for matches nothing (protocol/naming.md §2.4).
                    if (!filter.matches(instance.ip, instance.port) || (!v3 && !filter.is_complete())) {
                        continue;
                    }
                    json.begin_object();
                    if (v3) {
                        json.member("clientId", publisher.tie->client->id());
                    }
                    json.member("ip", instance.ip).member("port", instance.port);
                    json.member(v3 ? "clusterName" : "cluster", instance.cluster);
                    if (!v3) {
                        json.member("clientId", publisher.tie->client->id());
                    }
                    json.end_object();
                }
            }
        });
}

void ClientCalls::subscribers(Call& call) {
    answer_members(
        call, [](JsonWriter& json, const ServiceMembers& members, const MemberFilter& filter, Generation generation) {
            for (const TiePtr& tie : members.subscribers) {
                const SubscriberInfoPtr info = tie->client->subscriber_info();
                if (info == nullptr || !filter.matches(info->ip, info->port)) {
                    continue;
                }
                json.begin_object().member("clientId", tie->client->id());
                if (generation == Generation::kV3) {
                    json.member("appName", info->app).member("agent", info->agent).member("address", address_of(*info));
                } else {
                    json.member("ip", info->ip).member("port", info->port);
                }
                json.end_object();
            }
        });
}

}  // namespace pharos::naming
