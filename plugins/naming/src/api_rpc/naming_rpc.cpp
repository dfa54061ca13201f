#include "api_rpc/naming_rpc.hpp"

#include <algorithm>
#include <string>
#include <utility>

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

/// The client of a connection that ended while its request was on the way (`protocol/naming.md §3.2`).
void reply_client_gone(spi::RpcResponder responder, const spi::RpcRequest& request) {
    protocol::reply_rpc_failure(std::move(responder), -401,
                                "errCode: -401, errMsg: Client [" + request.connection->id +
                                    "] connection already disconnect, can't register ephemeral instance. ");
}

Registry::Done replying(spi::RpcResponder responder, std::string_view response_type, std::string_view type) {
    return [responder = std::move(responder), response_type, type](const TiePtr&) mutable {
        reply_instance(std::move(responder), response_type, type);
    };
}

}  // namespace

NamingRpc::NamingRpc(Registry& registry, spi::Connections& connections)
    : registry_(registry), connections_(connections) {}

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
    add("ServiceQueryRequest", "QueryServiceResponse", Action::kRead, "RemoteNamingServiceQuery",
        &NamingRpc::service_query);
    add("SubscribeServiceRequest", "SubscribeServiceResponse", Action::kRead, "RemoteNamingServiceSubscribeUnSubscribe",
        &NamingRpc::subscribe);
    add("ServiceListRequest", "ServiceListResponse", Action::kRead, "RemoteNamingServiceListQuery",
        &NamingRpc::service_list);
    registrations_.take(connections_.observe(*this));
    return registrations_.status();
}

void NamingRpc::stop() noexcept { registrations_.clear(); }

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
    constexpr std::string_view kResponse = "InstanceResponse";
    constexpr std::string_view kRegister = "registerInstance";
    constexpr std::string_view kDeregister = "deregisterInstance";
    const JsonDocument body(request.body);
    const ServiceKey key = service_of(body);
    const boost::json::object* json = protocol::find_object(body.root(), "instance");
    ParsedInstance parsed = json == nullptr ? ParsedInstance{} : parse_instance(body, *json);
    if (!admit(body, key, kResponse, protocol::first_of(check_service(key), parsed.failure), responder)) {
        return;
    }
    const std::string_view type = body.text("type");
    const ClientPtr client = registry_.find_connection(request.connection->number);
    if (client == nullptr) {
        reply_client_gone(std::move(responder), request);
    } else if (type == kDeregister) {
        registry_.withdraw(client, key, replying(std::move(responder), kResponse, kDeregister));
    } else if (type != kRegister) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam,
                                    "Unsupported request type " + std::string(type));
    } else if (json == nullptr) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam, "Instance can not be null.");
    } else if (const std::optional<std::string> wrong = check_instance(parsed.instance)) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam, *wrong);
    } else {
        auto publication = std::make_shared<Publication>();
        publication->hosts.push_back(std::make_shared<const Host>(std::move(parsed.instance), key));
        registry_.publish(client, key, std::move(publication), replying(std::move(responder), kResponse, kRegister));
    }
}

void NamingRpc::batch_instance(const spi::RpcRequest& request, spi::RpcResponder responder) {
    constexpr std::string_view kResponse = "BatchInstanceResponse";
    constexpr std::string_view kBatch = "batchRegisterInstance";
    const JsonDocument body(request.body);
    const ServiceKey key = service_of(body);
    auto publication = std::make_shared<Publication>();
    protocol::CheckFailure failure = check_service(key);
    if (const boost::json::array* instances = protocol::find_array(body.root(), "instances")) {
        for (const boost::json::value& item : *instances) {
            if (const boost::json::object* json = item.if_object(); json != nullptr && !failure) {
                ParsedInstance parsed = parse_instance(body, *json);
                failure = std::move(parsed.failure);
                publication->hosts.push_back(std::make_shared<const Host>(std::move(parsed.instance), key));
            }
        }
    }
    if (!admit(body, key, kResponse, failure, responder)) {
        return;
    }
    const ClientPtr client = registry_.find_connection(request.connection->number);
    if (client == nullptr) {
        reply_client_gone(std::move(responder), request);
    } else if (const std::string_view type = body.text("type"); type != kBatch) {
        protocol::reply_rpc_failure(std::move(responder), protocol::kRpcInvalidParam,
                                    "Unsupported request type " + std::string(type));
    } else {
        registry_.publish(client, key, std::move(publication), replying(std::move(responder), kResponse, kBatch));
    }
}

void NamingRpc::service_query(const spi::RpcRequest& request, spi::RpcResponder responder) {
    constexpr std::string_view kResponse = "QueryServiceResponse";
    const JsonDocument body(request.body);
    const ServiceKey key = service_of(body);
    const std::string_view clusters = body.text("cluster");
    if (!admit(body, key, kResponse, protocol::first_of(check_service(key), protocol::check_clusters(clusters)),
               responder)) {
        return;
    }
    reply_service_info(std::move(responder), kResponse, {}, key, *registry_.snapshot(key), clusters,
                       protocol::boolean(body.root(), "healthyOnly", false));
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
        reply_client_gone(std::move(responder), request);
        return;
    }
    auto reply = [this, key, clusters, responder = std::move(responder)](const TiePtr& tie) mutable {
        const SnapshotPtr snapshot = tie != nullptr ? tie->service->snapshot() : registry_.snapshot(key);
        reply_service_info(std::move(responder), kResponse, "success", key, *snapshot, clusters, false);
    };
    if (protocol::boolean(body.root(), "subscribe", false)) {
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
