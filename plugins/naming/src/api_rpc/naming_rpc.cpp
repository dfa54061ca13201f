#include "api_rpc/naming_rpc.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "api_rpc/payloads.hpp"

namespace pharos::naming {

namespace {

using protocol::JsonDocument;

spi::Resource resource_of(const spi::RpcRequest& request) {
    const JsonDocument body(request.body);
    ServiceKey key = service_of(body);
    return {std::move(key.namespace_id), std::move(key.group), std::move(key.name)};
}

/// What every payload about one service goes through first: false when it has been answered with an error.
bool admit(const JsonDocument& body, const ServiceKey& key, std::string_view response_type,
           const protocol::CheckFailure& failure, spi::RpcResponder& responder) {
    if (!body.status()) {
        protocol::reply_rpc_unparsable(std::move(responder), body.status().message());
        return false;
    }
    if (failure) {
        protocol::reply_rpc_check_failed(std::move(responder), response_type, *failure);
        return false;
    }
    if (const std::optional<std::string> blank = find_blank(key)) {
        protocol::reply_rpc_error(std::move(responder), "ErrorResponse", protocol::kRpcServerError, *blank);
        return false;
    }
    return true;
}

/// What a change of instances is called on the wire.
struct Operation {
    std::string_view response;  ///< payload type
    std::string_view type;      ///< echoed
    std::string_view what;      ///< that a persistent service refuses
};
constexpr Operation kRegister{"InstanceResponse", "registerInstance", "register"};
constexpr Operation kDeregister{"InstanceResponse", "deregisterInstance", "deregister"};
constexpr Operation kBatch{"BatchInstanceResponse", "batchRegisterInstance", "batch register"};

void reply_unsupported(spi::RpcResponder responder, std::string_view type) {
    protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam,
                                "Unsupported request type " + std::string(type));
}

/// The client of a connection that ended while its request was on the way (`protocol/naming.md §3.2`).
void reply_client_gone(spi::RpcResponder responder, const std::string& id) {
    protocol::reply_rpc_failure(std::move(responder), -401,
                                "errCode: -401, errMsg: Client [" + id +
                                    "] connection already disconnect, can't register ephemeral instance. ");
}

/// What the reference throws at run time is decorated (`protocol/naming.md §3.2`).
void reply_conflict(spi::RpcResponder responder, const std::string& message) {
    protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam,
                                "errCode: 400, errMsg: " + message + " ");
}

Registry::Done replying(spi::RpcResponder responder, const Operation& operation, const spi::RpcRequest& request,
                        const ServiceKey& key) {
    return [responder = std::move(responder), &operation, connection = request.connection,
            key = std::make_unique<ServiceKey>(key)](const spi::Result<TiePtr>& outcome) mutable {
        if (outcome) {
            reply_instance(std::move(responder), operation.response, operation.type);
        } else if (outcome.error().code() == spi::Code::kConflict) {
            reply_conflict(std::move(responder), persistent_conflict(*key, operation.what));
        } else {
            reply_client_gone(std::move(responder), connection->id);
        }
    };
}

/// The same for what is stored.
spi::Completion<bool> replying_stored(spi::RpcResponder responder, const Operation& operation) {
    return [responder = std::move(responder), &operation](const spi::Result<bool>& outcome) mutable {
        if (outcome) {
            reply_instance(std::move(responder), operation.response, operation.type);
            return;
        }
        const spi::Status& error = outcome.error();
        switch (error.code()) {
            case spi::Code::kConflict: reply_conflict(std::move(responder), error.message()); break;
            case spi::Code::kInvalidArgument:
                protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam, error.message());
                break;
            default: protocol::reply_rpc_failure(std::move(responder), protocol::kRpcServerError, error.message());
        }
    };
}

/// What operators see of a connection that subscribes (`protocol/naming.md §3.3`).
SubscriberInfoPtr subscriber_of(const spi::RpcRequest& request) {
    const spi::ConnectionInfo& connection = *request.connection;
    SubscriberInfo info{.ip = connection.client_ip, .agent = connection.client_version, .app = connection.app_name};
    if (info.app.empty() || info.app == "-") {
        const std::string_view header = protocol::trimmed(request.header("app"));
        info.app = header.empty() ? "unknown" : header;
    }
    return std::make_shared<const SubscriberInfo>(std::move(info));
}

}  // namespace

NamingRpc::NamingRpc(Registry& registry, const Switches& switches, InstanceWriter& persistent,
                     spi::Connections& connections, BatchLimit batch)
    : registry_(registry),
      switches_(switches),
      persistent_(persistent),
      connections_(connections),
      batch_(batch) {}

spi::Status NamingRpc::add_to(spi::RpcMethods& methods) {
    using spi::Action;
    using Handler = void (NamingRpc::*)(const spi::RpcRequest&, spi::RpcResponder);
    const auto add = [&](std::string_view type, std::string_view response, Action action, std::string_view point,
                         Handler handler) {
        registrations_.take(methods.add({type, response, {action, "naming", resource_of, point, {}}},
                                        [this, handler](const spi::RpcRequest& request, spi::RpcResponder responder) {
                                            (this->*handler)(request, std::move(responder));
                                        }));
    };
    add("InstanceRequest", "InstanceResponse", Action::kWrite, "RemoteNamingInstanceRegisterDeregister",
        &NamingRpc::instance);
    add("BatchInstanceRequest", "BatchInstanceResponse", Action::kWrite, "RemoteNamingInstanceBatchRegister",
        &NamingRpc::batch_instance);
    add("PersistentInstanceRequest", "InstanceResponse", Action::kWrite, "RemoteNamingInstanceRegisterDeregister",
        &NamingRpc::persistent_instance);
    add("ServiceQueryRequest", "QueryServiceResponse", Action::kRead, "RemoteNamingServiceQuery",
        &NamingRpc::service_query);
    add("SubscribeServiceRequest", "SubscribeServiceResponse", Action::kRead, "RemoteNamingServiceSubscribeUnSubscribe",
        &NamingRpc::subscribe);
    add("ServiceListRequest", "ServiceListResponse", Action::kRead, "RemoteNamingServiceListQuery",
        &NamingRpc::service_list);
    registrations_.take(connections_.observe(*this));
    return registrations_.status();
}

void NamingRpc::announce_persistent(spi::RpcMethods& methods) {
    ability_ = methods.ability("supportPersistentInstanceByGrpc");
}

void NamingRpc::stop() noexcept {
    ability_.reset();
    registrations_.clear();
}

void NamingRpc::on_registered(const spi::ConnectionPtr& connection) noexcept {
    // SDKs open a connection for each module and say for which (protocol/naming.md §3.3).
    const std::string_view module = connection->label("module");
    if (module.empty() || module == "naming") {
        registry_.add_connection(connection);
    }
}

void NamingRpc::on_closed(const spi::ConnectionPtr& connection) noexcept {
    registry_.remove_connection(connection->number);
}

void NamingRpc::instance(const spi::RpcRequest& request, spi::RpcResponder responder) {
    const JsonDocument body(request.body);
    const ServiceKey key = service_of(body);
    const boost::json::object* json = protocol::find_object(body.root(), "instance");
    ParsedInstance parsed = json == nullptr ? ParsedInstance{} : parse_instance(body, *json);
    if (!admit(body, key, kRegister.response, protocol::first_of(check_service(key), parsed.failure), responder)) {
        return;
    }
    const std::string_view type = body.text("type");
    const ClientPtr client = registry_.find_connection(request.connection->number);
    if (client == nullptr) {
        reply_client_gone(std::move(responder), request.connection->id);
    } else if (type == kDeregister.type) {
        registry_.withdraw(client, key, parsed.instance.ip, parsed.instance.port,
                           replying(std::move(responder), kDeregister, request, key));
    } else if (type != kRegister.type) {
        reply_unsupported(std::move(responder), type);
    } else if (json == nullptr) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam, "Instance can not be null.");
    } else if (const std::optional<std::string> wrong = check_instance(parsed.instance)) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam, *wrong);
    } else {
        registry_.publish(client, key, publication_of({std::move(parsed.instance)}, key),
                          replying(std::move(responder), kRegister, request, key));
    }
}

void NamingRpc::persistent_instance(const spi::RpcRequest& request, spi::RpcResponder responder) {
    const JsonDocument body(request.body);
    ServiceKey key = service_of(body);
    const boost::json::object* json = protocol::find_object(body.root(), "instance");
    ParsedInstance parsed = json == nullptr ? ParsedInstance{} : parse_instance(body, *json);
    if (!admit(body, key, kRegister.response, protocol::first_of(check_service(key), parsed.failure), responder)) {
        return;
    }
    const std::string_view type = body.text("type");
    Instance& instance = parsed.instance;
    instance.ephemeral = false;
    if (type != kRegister.type && type != kDeregister.type) {
        reply_unsupported(std::move(responder), type);
    } else if (json == nullptr) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam, "Instance can not be null.");
    } else if (type == kDeregister.type) {
        // Of an ip:port, not of the connection: it is not what keeps them alive.
        persistent_.deregister_instance(std::move(key), std::move(instance.ip), instance.port,
                                        replying_stored(std::move(responder), kDeregister));
    } else if (const std::optional<std::string> wrong = check_instance(instance)) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam, *wrong);
    } else {
        persistent_.register_instance(std::move(key), std::move(instance),
                                      replying_stored(std::move(responder), kRegister));
    }
}

void NamingRpc::batch_instance(const spi::RpcRequest& request, spi::RpcResponder responder) {
    const JsonDocument body(request.body);
    const ServiceKey key = service_of(body);
    std::vector<Instance> instances;
    protocol::CheckFailure failure = check_service(key);
    const boost::json::array* items = protocol::find_array(body.root(), "instances");
    if (items != nullptr && items->size() > batch_.most) {
        if (batch_.refused != nullptr) {
            batch_.refused->add();
        }
        failure = "Param 'instances' is illegal, the batch has " + std::to_string(items->size()) +
                  " instances, the limit is " + std::to_string(batch_.most) + " (naming.max_batch).";
    } else if (items != nullptr) {
        for (const boost::json::value& item : *items) {
            if (const boost::json::object* json = item.if_object(); json != nullptr && !failure) {
                ParsedInstance parsed = parse_instance(body, *json);
                failure = std::move(parsed.failure);
                instances.push_back(std::move(parsed.instance));
            }
        }
    }
    if (!admit(body, key, kBatch.response, failure, responder)) {
        return;
    }
    const ClientPtr client = registry_.find_connection(request.connection->number);
    if (client == nullptr) {
        reply_client_gone(std::move(responder), request.connection->id);
    } else if (const std::string_view type = body.text("type"); type != kBatch.type) {
        reply_unsupported(std::move(responder), type);
    } else {
        registry_.publish(client, key, publication_of(std::move(instances), key),
                          replying(std::move(responder), kBatch, request, key));
    }
}

void NamingRpc::service_query(const spi::RpcRequest& request, spi::RpcResponder responder) {
    constexpr std::string_view kResponse = "QueryServiceResponse";
    const JsonDocument body(request.body);
    const ServiceKey key = service_of(body);
    const std::string_view clusters = body.text("cluster");
    const std::int64_t udp_port = protocol::integer(body.root(), "udpPort", 0).value_or(-1);
    if (!admit(
            body, key, kResponse,
            protocol::first_of(check_service(key), protocol::check_clusters(clusters), protocol::check_port(udp_port)),
            responder)) {
        return;
    }
    reply_service_info(std::move(responder), kResponse, {}, key, *registry_.snapshot(key),
                       {.clusters = clusters, .healthy_only = protocol::boolean(body.root(), "healthyOnly", false)},
                       switches_.cache_millis());
}

void NamingRpc::subscribe(const spi::RpcRequest& request, spi::RpcResponder responder) {
    static constexpr std::string_view kResponse = "SubscribeServiceResponse";
    const JsonDocument body(request.body);
    ServiceKey key = service_of(body);
    std::string clusters(body.text("clusters"));
    if (!admit(body, key, kResponse, protocol::first_of(check_service(key), protocol::check_clusters(clusters)),
               responder)) {
        return;
    }
    const ClientPtr client = registry_.find_connection(request.connection->number);
    if (client == nullptr) {
        reply_client_gone(std::move(responder), request.connection->id);
        return;
    }
    auto reply = [this, key, clusters, connection = request.connection,
                  responder = std::move(responder)](const spi::Result<TiePtr>& outcome) mutable {
        if (!outcome) {
            reply_client_gone(std::move(responder), connection->id);
            return;
        }
        const TiePtr& tie = outcome.value();
        const SnapshotPtr snapshot = tie != nullptr ? tie->service->snapshot() : registry_.snapshot(key);
        reply_service_info(std::move(responder), kResponse, "success", key, *snapshot, {.clusters = clusters},
                           switches_.cache_millis());
    };
    if (protocol::boolean(body.root(), "subscribe", false)) {
        if (client->subscriber_info() == nullptr) {
            client->set_subscriber_info(subscriber_of(request));
        }
        registry_.subscribe(client, key, std::move(clusters), std::move(reply));
    } else {
        registry_.unsubscribe(client, key, std::move(reply));
    }
}

void NamingRpc::service_list(const spi::RpcRequest& request, spi::RpcResponder responder) {
    constexpr std::string_view kResponse = "ServiceListResponse";
    const JsonDocument body(request.body);
    const ServiceKey key = service_of(body);
    if (!body.status()) {
        protocol::reply_rpc_unparsable(std::move(responder), body.status().message());
        return;
    }
    if (const protocol::CheckFailure failure = check_service(key)) {
        protocol::reply_rpc_check_failed(std::move(responder), kResponse, *failure);
        return;
    }
    const std::vector<std::string> names =
        registry_.list(key.namespace_id, key.group.empty() ? kDefaultGroup : std::string_view(key.group));
    const std::int64_t page = std::max<std::int64_t>(protocol::integer(body.root(), "pageNo", 1).value_or(1), 1);
    const std::int64_t size = std::max<std::int64_t>(protocol::integer(body.root(), "pageSize", 10).value_or(10), 1);
    const std::size_t from = page - 1 > static_cast<std::int64_t>(names.size()) / size
                                 ? names.size()
                                 : static_cast<std::size_t>((page - 1) * size);
    std::string out;
    sdk::JsonWriter json(out);
    json.begin_object().member("resultCode", 200).member("errorCode", 0).member("count", names.size());
    json.key("serviceNames").begin_array();
    for (std::size_t i = from; i < names.size() && i - from < static_cast<std::size_t>(size); ++i) {
        json.value(names[i]);
    }
    json.end_array().member("success", true).end_object();
    const spi::Piece pieces[] = {out};
    responder.send(kResponse, pieces);
}

}  // namespace pharos::naming
