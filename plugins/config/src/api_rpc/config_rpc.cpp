#include "api_rpc/config_rpc.hpp"

#include <string>
#include <utility>

#include <pharos/protocol/json.hpp>
#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "model/rules.hpp"

namespace pharos::config {

namespace {

using protocol::JsonDocument;
using sdk::JsonWriter;

constexpr int kNotFound = 300;
constexpr std::string_view kNotExist = "config data not exist";

struct Names {
    std::string_view tenant;
    std::string_view group;
    std::string_view data_id;
};

Names names_of(const JsonDocument& body) { return {body.text("tenant"), body.text("group"), body.text("dataId")}; }

spi::Resource resource_of(const spi::RpcRequest& request) {
    const JsonDocument body(request.body);
    const Names names = names_of(body);
    ConfigKey key = make_key(names.tenant, names.group, names.data_id);
    return {std::move(key.namespace_id), std::move(key.group), std::move(key.data_id)};
}

/// The resource of a batch is its first config's namespace (`protocol/core.md §4.7`).
spi::Resource batch_resource_of(const spi::RpcRequest& request) {
    const JsonDocument body(request.body);
    const boost::json::array* contexts = protocol::find_array(body.root(), "configListenContexts");
    if (contexts == nullptr || contexts->empty() || !contexts->front().is_object()) {
        return {};
    }
    return {make_key(body.text(contexts->front().get_object(), "tenant"), {}, {}).namespace_id, {}, {}};
}

/// False when the request has been answered with an error.
bool admit(const JsonDocument& body, const Names& names, std::string_view response_type, spi::RpcResponder& responder) {
    if (!body.status()) {
        protocol::reply_rpc_unparsable(std::move(responder), body.status().message());
        return false;
    }
    if (const protocol::CheckFailure failure = check_names(names.tenant, names.group, names.data_id)) {
        protocol::reply_rpc_check_failed(std::move(responder), response_type, *failure);
        return false;
    }
    return true;
}

void reply_ok(spi::RpcResponder responder, std::string_view type) {
    const spi::Piece body[] = {R"({"resultCode":200,"errorCode":0,"success":true})"};
    responder.send(type, body);
}

void reply_not_found(spi::RpcResponder responder, std::string_view tag) {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("resultCode", 500).member("errorCode", kNotFound).member("message", kNotExist);
    json.member("lastModified", 0);
    if (!tag.empty()) {
        json.member("tag", tag);
    }
    json.member("beta", false).member("success", false).end_object();
    const spi::Piece pieces[] = {body};
    responder.send("ConfigQueryResponse", pieces);
}

}  // namespace

spi::Status ConfigRpc::add_to(spi::RpcMethods& methods, spi::Connections& connections) {
    using spi::Action;
    using Handler = void (ConfigRpc::*)(const spi::RpcRequest&, spi::RpcResponder);
    const auto add = [&](std::string_view type, std::string_view response, Action action,
                         spi::Resource (*resource)(const spi::RpcRequest&), std::string_view point, Handler handler) {
        registrations_.take(methods.add({type, response, {action, "config", resource, point, {}}},
                                        [this, handler](const spi::RpcRequest& request, spi::RpcResponder responder) {
                                            (this->*handler)(request, std::move(responder));
                                        }));
    };
    add("ConfigQueryRequest", "ConfigQueryResponse", Action::kRead, resource_of, "ConfigQuery", &ConfigRpc::query);
    add("ConfigPublishRequest", "ConfigPublishResponse", Action::kWrite, resource_of, "ConfigPublish",
        &ConfigRpc::publish);
    add("ConfigRemoveRequest", "ConfigRemoveResponse", Action::kWrite, resource_of, "ConfigRemove", &ConfigRpc::remove);
    add("ConfigBatchListenRequest", "ConfigChangeBatchListenResponse", Action::kRead, batch_resource_of, "ConfigListen",
        &ConfigRpc::batch_listen);
    registrations_.take(connections.observe(listeners_));
    return registrations_.status();
}

void ConfigRpc::query(const spi::RpcRequest& request, spi::RpcResponder responder) {
    const JsonDocument body(request.body);
    const Names names = names_of(body);
    if (!admit(body, names, "ConfigQueryResponse", responder)) {
        return;
    }
    // An explicit tag never falls back to the formal config (protocol/config.md §4), and there are no gray ones.
    if (const std::string_view tag = protocol::trimmed(body.text("tag")); !tag.empty()) {
        reply_not_found(std::move(responder), tag);
        return;
    }
    repository_.query(make_key(names.tenant, names.group, names.data_id).store_key(),
                      [responder = std::move(responder)](const Found& found) mutable {
                          if (found.unreadable) {
                              // "Not found" would make clients drop what they have (protocol/config.md §10.33–34).
                              protocol::reply_rpc_error(std::move(responder), "ConfigQueryResponse",
                                                        protocol::kRpcServerError, "the config can't be read now");
                              return;
                          }
                          if (found.content == nullptr) {
                              reply_not_found(std::move(responder), {});
                              return;
                          }
                          const Entry& entry = *found.entry;
                          std::string out;
                          out.reserve(found.content->size() + 256);
                          JsonWriter json(out);
                          json.begin_object().member("resultCode", 200).member("errorCode", 0);
                          json.member("content", *found.content).member("encryptedDataKey", entry.encrypted_data_key);
                          json.member("contentType", entry.type).member("md5", entry.md5);
                          json.member("lastModified", entry.modified_ms).member("beta", false);
                          json.member("success", true).end_object();
                          const spi::Piece pieces[] = {out};
                          responder.send("ConfigQueryResponse", pieces);
                      });
}

void ConfigRpc::publish(const spi::RpcRequest& request, spi::RpcResponder responder) {
    static constexpr std::string_view kResponse = "ConfigPublishResponse";
    const JsonDocument body(request.body);
    const Names names = names_of(body);
    if (!admit(body, names, kResponse, responder)) {
        return;
    }
    Publish wanted;
    wanted.key = make_key(names.tenant, names.group, names.data_id);
    wanted.content = body.text("content");
    wanted.cas_md5 = protocol::trimmed(body.text("casMd5"));
    wanted.author.ip = request.connection->client_ip;
    if (const boost::json::object* more = protocol::find_object(body.root(), "additionMap")) {
        if (!protocol::trimmed(body.text(*more, "betaIps")).empty() ||
            !protocol::trimmed(body.text(*more, "tag")).empty()) {
            protocol::reply_rpc_error(std::move(responder), kResponse, protocol::kRpcInvalidParam, kGrayUnsupported);
            return;
        }
        const auto optional = [&](std::string_view name) -> std::optional<std::string> {
            const std::optional<std::string_view> text = body.find_text(*more, name);
            return text ? std::optional<std::string>(*text) : std::nullopt;
        };
        wanted.type = body.text(*more, "type");
        wanted.app_name = optional("appName");
        wanted.tags = optional("config_tags");
        wanted.description = body.text(*more, "desc");
        wanted.use = body.text(*more, "use");
        wanted.effect = body.text(*more, "effect");
        wanted.schema = body.text(*more, "schema");
        wanted.encrypted_data_key = body.text(*more, "encryptedDataKey");
        wanted.author.user = body.text(*more, "src_user");
    }
    if (!request.principal->name.empty()) {
        wanted.author.user = request.principal->name;
    }
    if (const std::optional<std::string> wrong = check_publish(wanted)) {
        protocol::reply_rpc_error(std::move(responder), kResponse, protocol::kRpcInvalidParam, *wrong);
        return;
    }
    repository_.publish(std::move(wanted), [responder = std::move(responder)](spi::Result<bool> outcome) mutable {
        if (outcome) {
            reply_ok(std::move(responder), kResponse);
        } else {
            protocol::reply_rpc_error(std::move(responder), kResponse, protocol::kRpcServerError,
                                      outcome.error().message());
        }
    });
}

void ConfigRpc::remove(const spi::RpcRequest& request, spi::RpcResponder responder) {
    static constexpr std::string_view kResponse = "ConfigRemoveResponse";
    const JsonDocument body(request.body);
    const Names names = names_of(body);
    if (!admit(body, names, kResponse, responder)) {
        return;
    }
    const ConfigKey key = make_key(names.tenant, names.group, names.data_id);
    if (const std::optional<std::string> wrong = check_key(key)) {
        protocol::reply_rpc_error(std::move(responder), kResponse, 0, *wrong);
        return;
    }
    if (!protocol::trimmed(body.text("tag")).empty()) {
        reply_ok(std::move(responder), kResponse);  // there is no gray config to remove
        return;
    }
    Author author{request.principal->name, request.connection->client_ip};
    repository_.remove(key, std::move(author), [responder = std::move(responder)](spi::Result<bool> outcome) mutable {
        if (outcome) {
            reply_ok(std::move(responder), kResponse);
        } else {
            protocol::reply_rpc_error(std::move(responder), kResponse, 0, outcome.error().message());
        }
    });
}

void ConfigRpc::batch_listen(const spi::RpcRequest& request, spi::RpcResponder responder) {
    constexpr std::string_view kResponse = "ConfigChangeBatchListenResponse";
    const JsonDocument body(request.body);
    if (!body.status()) {
        protocol::reply_rpc_unparsable(std::move(responder), body.status().message());
        return;
    }
    const bool listen = protocol::boolean(body.root(), "listen", true);
    const boost::json::array* contexts = protocol::find_array(body.root(), "configListenContexts");
    static const boost::json::array kNone;
    if (contexts != nullptr && contexts->size() > limits_.listened) {
        if (limits_.refused_listened != nullptr) {
            limits_.refused_listened->add();
        }
        protocol::reply_rpc_check_failed(std::move(responder), kResponse,
                                         "Param 'configListenContexts' is illegal, it has " +
                                             std::to_string(contexts->size()) + " configs, the limit is " +
                                             std::to_string(limits_.listened) + " (config.max_listened).");
        return;
    }
    // All are looked at before the first is taken: a request is refused whole.
    std::vector<std::string> keys;
    for (const boost::json::value& item : contexts == nullptr ? kNone : *contexts) {
        const boost::json::object* context = item.if_object();
        const protocol::CheckFailure failure =
            context == nullptr
                ? protocol::CheckFailure("Param 'configListenContexts' is illegal, objects are expected.")
                : check_names(body.text(*context, "tenant"), body.text(*context, "group"),
                              body.text(*context, "dataId"));
        if (failure) {
            protocol::reply_rpc_check_failed(std::move(responder), kResponse, *failure);
            return;
        }
        keys.push_back(
            make_key(body.text(*context, "tenant"), body.text(*context, "group"), body.text(*context, "dataId"))
                .store_key());
    }
    if (listen) {
        const std::size_t count = listeners_.count_with(request.connection->number, keys);
        if (count > limits_.by_connection) {
            if (limits_.refused_by_connection != nullptr) {
                limits_.refused_by_connection->add();
            }
            protocol::reply_rpc_check_failed(
                std::move(responder), kResponse,
                "Param 'configListenContexts' is illegal, the connection would listen to " + std::to_string(count) +
                    " configs, the limit is " + std::to_string(limits_.by_connection) +
                    " (config.max_listened_per_connection).");
            return;
        }
    }
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("resultCode", 200).member("errorCode", 0).key("changedConfigs").begin_array();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const boost::json::object& context = (*contexts)[i].get_object();
        const std::string& key = keys[i];
        const std::string_view group = body.text(context, "group");
        const std::string_view data_id = body.text(context, "dataId");
        const std::optional<std::string_view> tenant = body.find_text(context, "tenant");
        if (!listen) {
            listeners_.remove(request.connection->number, key);
            continue;
        }
        const std::string_view md5 = body.text(context, "md5");
        // First listen, then compare: a change in between is told twice rather than never.
        listeners_.add(
            request.connection->number, key,
            {std::string(data_id), std::string(group), tenant ? std::optional<std::string>(*tenant) : std::nullopt},
            md5);
        const EntryPtr entry = repository_.find(key);
        if ((entry == nullptr ? std::string_view{} : std::string_view(entry->md5)) != md5) {
            json.begin_object().member("group", group).member("dataId", data_id);
            if (tenant) {
                json.member("tenant", *tenant);
            }
            json.end_object();
        }
    }
    json.end_array().member("success", true).end_object();
    const spi::Piece pieces[] = {out};
    responder.send(kResponse, pieces);
}

}  // namespace pharos::config
