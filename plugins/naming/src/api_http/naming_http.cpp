#include "api_http/naming_http.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <pharos/protocol/checks.hpp>
#include <pharos/protocol/json.hpp>
#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "api_http/parameters.hpp"

namespace pharos::naming {

namespace {

using protocol::Params;

spi::Resource resource_of(const spi::HttpRequest& request) {
    const Params params(request);
    ServiceParameter service = service_parameter(params);
    return {std::move(service.key.namespace_id), std::move(service.key.group), std::move(service.key.name)};
}

/// The service of a request whose serviceName is required; nothing when it has been answered with an error.
std::optional<ServiceKey> required_service(const Params& params, const spi::HttpRequest& request,
                                           const spi::Clock& clock, spi::HttpResponder& responder) {
    ServiceParameter service = service_parameter(params);
    if (!service.malformed.empty()) {
        protocol::reply_servlet_error(std::move(responder), 400,
                                      "Service name filter error,caused: " + service.malformed + ";", request.path,
                                      clock.wall_ms());
        return std::nullopt;
    }
    if (const protocol::CheckFailure failure = check_service_parameter(service.key)) {
        protocol::reply_check_failed(std::move(responder), *failure);
        return std::nullopt;
    }
    if (service.key.name.empty()) {
        protocol::reply_text(std::move(responder), 400, "Param 'serviceName' is required.");
        return std::nullopt;
    }
    return std::move(service.key);
}

/// "ok", or why a change was not made.
void reply_changed(spi::HttpResponder responder, const spi::Result<TiePtr>& outcome) {
    if (outcome) {
        protocol::reply_text(std::move(responder), 200, "ok");
    } else if (outcome.error().code() == spi::Code::kConflict) {
        protocol::reply_text(std::move(responder), 400, "errCode: 400, errMsg: " + outcome.error().message() + " ");
    } else {
        protocol::reply_text(std::move(responder), 503, outcome.error().message());
    }
}

}  // namespace

spi::Status NamingHttp::add_to(spi::HttpRoutes& routes) {
    using spi::Action;
    using spi::HttpMethod;
    using Access = spi::Access<spi::HttpRequest>;
    using Handler = void (NamingHttp::*)(const spi::HttpRequest&, spi::HttpResponder);
    const auto add = [&](HttpMethod method, std::string_view path, const Access& access, Handler handler) {
        registrations_.take(routes.add({method, path, access},
                                       [this, handler](const spi::HttpRequest& request, spi::HttpResponder responder) {
                                           (this->*handler)(request, std::move(responder));
                                       }));
    };
    const Access read{Action::kRead, "naming", resource_of, "HttpNamingRead", {}};
    const Access write{Action::kWrite, "naming", resource_of, "HttpNamingWrite", {}};
    const Access open{Action::kRead, "naming", nullptr, {}, "SDKs ask for the server's state before they log in"};
    const Access nothing{Action::kRead, "naming", nullptr, {}, "it only says that there is no such call"};
    add(HttpMethod::kPost, "/v1/ns/instance", write, &NamingHttp::register_instance);
    add(HttpMethod::kDelete, "/v1/ns/instance", write, &NamingHttp::deregister_instance);
    add(HttpMethod::kGet, "/v1/ns/instance/list", read, &NamingHttp::list_instances);
    add(HttpMethod::kPut, "/v1/ns/instance/beat", write, &NamingHttp::beat);
    add(HttpMethod::kGet, "/v1/ns/service/list", read, &NamingHttp::list_services);
    add(HttpMethod::kGet, "/v1/ns/operator/metrics", open, &NamingHttp::metrics);
    for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kPut, HttpMethod::kDelete}) {
        add(method, "/v1/ns/**", nothing, &NamingHttp::unknown);
    }
    return registrations_.status();
}

void NamingHttp::register_instance(const spi::HttpRequest& request, spi::HttpResponder responder) {
    const Params params(request);
    std::optional<ServiceKey> key = required_service(params, request, clock_, responder);
    if (!key) {
        return;
    }
    InstanceParameters parsed = instance_parameters(params);
    if (parsed.check_failure) {
        protocol::reply_check_failed(std::move(responder), *parsed.check_failure);
    } else if (parsed.error) {
        protocol::reply_text(std::move(responder), 400, *parsed.error);
    } else if (!parsed.ephemeral) {
        // A service is ephemeral or persistent as a whole; this server knows ephemeral ones.
        const ServicePtr service = registry_.find(*key);
        protocol::reply_text(std::move(responder), 400,
                             service != nullptr && service->exists() && service->is_ephemeral()
                                 ? "errCode: 400, errMsg: Current service " + key->grouped_name() +
                                       " is ephemeral service, can't register persistent instance. "
                                 : "Persistent instances are not supported by this server.");
    } else if (const std::optional<std::string> wrong = check_instance(parsed.instance)) {
        protocol::reply_text(std::move(responder), 400, *wrong);
    } else {
        heartbeats_.register_instance(*key, std::move(parsed.instance),
                                      [responder = std::move(responder)](const spi::Result<TiePtr>& outcome) mutable {
                                          reply_changed(std::move(responder), outcome);
                                      });
    }
}

void NamingHttp::deregister_instance(const spi::HttpRequest& request, spi::HttpResponder responder) {
    const Params params(request);
    const std::optional<ServiceKey> key = required_service(params, request, clock_, responder);
    if (!key) {
        return;
    }
    const InstanceParameters parsed = instance_parameters(params);
    if (parsed.check_failure) {
        protocol::reply_check_failed(std::move(responder), *parsed.check_failure);
        return;
    }
    if (parsed.error) {
        protocol::reply_text(std::move(responder), 400, *parsed.error);
        return;
    }
    auto reply = [responder = std::move(responder)](const spi::Result<TiePtr>& outcome) mutable {
        reply_changed(std::move(responder), outcome);
    };
    if (parsed.ephemeral) {
        heartbeats_.deregister_instance(*key, parsed.instance.ip, parsed.instance.port, std::move(reply));
    } else {
        reply(TiePtr());
    }
}

void NamingHttp::list_instances(const spi::HttpRequest& request, spi::HttpResponder responder) {
    const Params params(request);
    const std::optional<ServiceKey> key = required_service(params, request, clock_, responder);
    if (!key) {
        return;
    }
    const std::string_view clusters = params.get("clusters");
    if (const protocol::CheckFailure failure = protocol::check_clusters(clusters)) {
        protocol::reply_check_failed(std::move(responder), *failure);
        return;
    }
    const ServicePtr service = registry_.find(*key);
    const SnapshotPtr snapshot = service != nullptr ? service->snapshot() : registry_.snapshot(*key);
    std::string head;
    append_info_head(head, key->grouped_name(), key->group, clusters, switches_.cache_millis());
    SelectedHosts hosts = snapshot->select({.clusters = clusters, .healthy_only = params.get("healthyOnly") == "true"});
    std::string tail;
    append_info_tail(tail, snapshot->last_ref_time(), hosts.reach_protection_threshold);
    const spi::Piece body[] = {head, std::move(hosts.json), tail};
    responder.send({.status = 200, .content_type = protocol::kJsonUtf8, .headers = {}, .body = body});
    if (const std::int64_t port = protocol::whole_number(params.get("udpPort")).value_or(0); port > 0 && port < 65536) {
        const std::string_view agent = request.header("User-Agent");
        udp_.on_list(*key, clusters,
                     {.ip = params.get_or("clientIP", request.remote_ip),
                      .port = static_cast<std::uint16_t>(port),
                      .agent = agent.empty() ? request.header("Client-Version") : agent,
                      .app = params.get("app")});
    }
}

void NamingHttp::beat(const spi::HttpRequest& request, spi::HttpResponder responder) {
    const Params params(request);
    const std::optional<ServiceKey> key = required_service(params, request, clock_, responder);
    if (!key) {
        return;
    }
    BeatParameters parsed = beat_parameters(params);
    if (parsed.check_failure) {
        protocol::reply_check_failed(std::move(responder), *parsed.check_failure);
        return;
    }
    if (parsed.error) {
        protocol::reply_servlet_error(std::move(responder), 500, *parsed.error, request.path, clock_.wall_ms());
        return;
    }
    heartbeats_.beat(*key, std::move(parsed.instance), parsed.is_light,
                     [this, responder = std::move(responder)](const spi::Result<BeatAnswer>& answer) mutable {
                         if (!answer) {
                             if (answer.error().code() == spi::Code::kInvalidArgument) {
                                 protocol::reply_text(std::move(responder), 400, answer.error().message());
                             } else {
                                 reply_changed(std::move(responder), answer.error());
                             }
                             return;
                         }
                         std::string body;
                         sdk::JsonWriter(body)
                             .begin_object()
                             .member("clientBeatInterval", answer.value().interval_ms)
                             .member("code", answer.value().code)
                             .member("lightBeatEnabled", switches_.current()->light_beat_enabled)
                             .end_object();
                         protocol::reply_json(std::move(responder), 200, body);
                     });
}

void NamingHttp::list_services(const spi::HttpRequest& request, spi::HttpResponder responder) {
    const Params params(request);
    const ServiceParameter service = service_parameter(params);
    const std::optional<std::int64_t> page = protocol::whole_number(params.get("pageNo"));
    const std::optional<std::int64_t> size = protocol::whole_number(params.get("pageSize"));
    for (const auto& [name, value] : {std::pair{"pageNo", page}, std::pair{"pageSize", size}}) {
        if (!value) {
            protocol::reply_text(std::move(responder), 400, "Param '" + std::string(name) + "' is required.");
            return;
        }
    }
    const std::vector<std::string> names = registry_.list(service.key.namespace_id, service.key.group);
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().member("count", names.size()).key("doms").begin_array();
    const auto limit = static_cast<std::int64_t>(names.size());
    const std::int64_t each = std::clamp<std::int64_t>(*size, 0, limit);
    const std::int64_t from = *page < 1 || each == 0 || *page - 1 > limit / each ? limit : (*page - 1) * each;
    for (std::int64_t i = from; i < std::min(from + each, limit); ++i) {
        json.value(names[static_cast<std::size_t>(i)]);
    }
    json.end_array().end_object();
    protocol::reply_json(std::move(responder), 200, body);
}

void NamingHttp::metrics(const spi::HttpRequest& request, spi::HttpResponder responder) {
    const Params params(request);
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().member("status", "UP");
    if (params.get("onlyStatus") == "false") {
        const Registry::Counts counts = registry_.count();
        json.member("serviceCount", counts.services).member("instanceCount", counts.instances);
        json.member("subscribeCount", counts.subscribers).member("responsibleInstanceCount", counts.instances);
        json.member("clientCount", counts.connection_clients + counts.ip_port_clients);
        json.member("connectionBasedClientCount", counts.connection_clients);
        json.member("ephemeralIpPortClientCount", counts.ip_port_clients).member("persistentIpPortClientCount", 0);
        json.member("responsibleClientCount", counts.connection_clients + counts.ip_port_clients);
    }
    json.end_object();
    protocol::reply_json(std::move(responder), 200, body);
}

void NamingHttp::unknown(const spi::HttpRequest& request, spi::HttpResponder responder) {
    protocol::reply_servlet_error(
        std::move(responder), 501,
        "no such api:" + std::string(spi::to_string(request.method)) + ":" + std::string(request.path), request.path,
        clock_.wall_ms());
}

}  // namespace pharos::naming
