#include <string>
#include <utility>

#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>

#include "api_http/naming_http.hpp"

namespace pharos::naming {

namespace {

using spi::Action;
using spi::HttpMethod;
using Access = spi::Access<spi::HttpRequest>;
using Missing = Reader::Missing;

constexpr std::uint8_t bit(HttpMethod method) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(method)); }
constexpr std::uint8_t kGet = bit(HttpMethod::kGet);
constexpr std::uint8_t kPost = bit(HttpMethod::kPost);
constexpr std::uint8_t kPut = bit(HttpMethod::kPut);
constexpr std::uint8_t kDelete = bit(HttpMethod::kDelete);
constexpr std::uint8_t kPatch = bit(HttpMethod::kPatch);
constexpr std::uint8_t kAny = kGet | kPost | kPut | kDelete;
constexpr HttpMethod kMethods[] = {HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kPut, HttpMethod::kDelete,
                                   HttpMethod::kPatch};

// What a call touches, by the same rules as the handlers read it.

spi::Resource resource(ServiceKey key) {
    return {std::move(key.namespace_id), std::move(key.group), std::move(key.name)};
}

template <Generation kGeneration, Spelling kSpelling = Spelling::kUsual>
spi::Resource service_of(const spi::HttpRequest& request) {
    const protocol::Params params(request);
    Reader reader(params, kGeneration);
    return resource(read_service(reader, kSpelling));
}

spi::Resource status_key_of(const spi::HttpRequest& request) {
    const protocol::Params params(request);
    Reader reader(params, Generation::kV1);
    return resource(read_status_key(reader, reader.text("key")));
}

spi::Resource status_path_of(const spi::HttpRequest& request) {
    const protocol::Params params(request);
    Reader reader(params, Generation::kV2);
    return resource(read_status_key(reader, request.path.substr(request.path.rfind('/') + 1)));
}

/// Calls about many services: the namespace, and the group where one is given.
spi::Resource namespace_of(const spi::HttpRequest& request) {
    const protocol::Params params(request);
    return {std::string(params.get_or("namespaceId", kPublicNamespace)), std::string(params.get("groupName")), {}};
}

constexpr std::string_view kType = "naming";

Access reads(spi::Resource (*of)(const spi::HttpRequest&)) { return {Action::kRead, kType, of}; }
Access writes(spi::Resource (*of)(const spi::HttpRequest&)) { return {Action::kWrite, kType, of}; }
Access operator_reads() { return {Action::kRead, "naming/operator"}; }
Access operator_writes() { return {Action::kWrite, "naming/operator"}; }

/// The same access at a rate-limit point (`protocol/core.md §6`). Calls of operators have none: the node stays in their
/// hands whatever its clients do.
Access at(std::string_view point, Access access) {
    access.limit_point = point;
    return access;
}

}  // namespace

NamingHttp::NamingHttp(Registry& registry, Heartbeats& heartbeats, Catalogue& catalogue,
                       PersistentInstances& persistent, Switches& switches, UdpPusher& udp, PushCosts& push_costs,
                       spi::PluginContext& context)
    : clock_(context.executors().clock()),
      background_(context.executors().work()),
      gate_(switches),
      instances_(registry, heartbeats, catalogue, persistent.writer(), switches, udp),
      services_(registry, catalogue),
      catalog_(registry, background_, clock_),
      operator_(registry, catalogue, persistent, switches, background_, push_costs, context),
      clients_(registry) {}

void NamingHttp::stop(spi::Duration patience) noexcept {
    registrations_.clear();
    background_.close(patience);
}

spi::Status NamingHttp::add_to(spi::HttpRoutes& routes) {
    routes_ = &routes;
    add_v1();
    add_v2();
    add_v3_client();
    add_v3_admin();
    add_unknown();
    return registrations_.status();
}

template <class Calls>
void NamingHttp::add(Methods methods, std::string_view path, const Access& access, Style style, Calls& calls,
                     void (Calls::*handler)(Call&)) {
    for (const HttpMethod method : kMethods) {
        if ((methods & bit(method)) == 0) {
            continue;
        }
        registrations_.take(
            routes_->add({method, path, access},
                         [this, style, &calls, handler](const spi::HttpRequest& request, spi::HttpResponder responder) {
                             const protocol::Params params(request);
                             Call call{request, clock_, Reader(params, style.generation, style.missing),
                                       Answer(style.generation, std::move(responder))};
                             if (style.generation != Generation::kV1 || gate_.admits(call)) {
                                 (calls.*handler)(call);
                             }
                         }));
    }
}

void NamingHttp::add_v1() {
    constexpr Style kRead{Generation::kV1, Missing::kRead};
    constexpr Style kDeclared{Generation::kV1, Missing::kDeclared};
    const Access read = reads(service_of<Generation::kV1>);
    const Access write = writes(service_of<Generation::kV1>);
    const Access browse = reads(namespace_of);
    const Access open{Action::kRead, kType, nullptr, {}, "SDKs ask for the server's state before they log in"};
    const std::string instance = "/v1/ns/instance";
    add(kPost, instance, at("NamingInstanceRegister", write), kRead, instances_, &InstanceCalls::register_instance);
    add(kDelete, instance, at("NamingInstanceDeregister", write), kRead, instances_, &InstanceCalls::deregister);
    add(kPut, instance, at("NamingInstanceUpdate", write), kRead, instances_, &InstanceCalls::update);
    add(kPatch, instance, at("NamingInstanceUpdate", write), kRead, instances_, &InstanceCalls::patch);
    add(kGet, instance, at("NamingInstanceQuery", read), kRead, instances_, &InstanceCalls::detail);
    add(kGet, instance + "/list", at("NamingServiceSubscribe", read), kRead, instances_, &InstanceCalls::list);
    add(kPut, instance + "/beat", at("HttpHealthCheck", write), kRead, instances_, &InstanceCalls::beat);
    add(kPut, instance + "/metadata/batch", at("NamingInstanceMetadataUpdate", write), kRead, instances_,
        &InstanceCalls::update_metadata);
    add(kDelete, instance + "/metadata/batch", at("NamingInstanceMetadataUpdate", write), kRead, instances_,
        &InstanceCalls::delete_metadata);
    add(kAny, instance + "/statuses", reads(status_key_of), kDeclared, instances_, &InstanceCalls::statuses);

    const std::string service = "/v1/ns/service";
    add(kPost, service, at("NamingServiceRegister", write), kDeclared, services_, &ServiceCalls::create);
    add(kPut, service, at("NamingServiceUpdate", write), kRead, services_, &ServiceCalls::update);
    add(kDelete, service, at("NamingServiceDeregister", write), kDeclared, services_, &ServiceCalls::remove);
    add(kGet, service, at("NamingServiceQuery", read), kDeclared, services_, &ServiceCalls::detail);
    add(kGet, service + "/list", at("NamingServiceListQuery", browse), kRead, services_, &ServiceCalls::list);
    add(kAny, service + "/names", browse, kDeclared, catalog_, &CatalogCalls::names);
    add(kGet, service + "/subscribers", at("NamingServiceSubscribe", read), kRead, catalog_,
        &CatalogCalls::subscribers);
    add(kGet, service + "/selector/types", browse, kRead, services_, &ServiceCalls::selector_types);

    const std::string catalog = "/v1/ns/catalog";
    add(kGet, catalog + "/service", read, kDeclared, catalog_, &CatalogCalls::service);
    add(kAny, catalog + "/instances", read, kDeclared, catalog_, &CatalogCalls::cluster_instances);
    add(kGet, catalog + "/services", browse, kDeclared, catalog_, &CatalogCalls::services);
    add(kPut, "/v1/ns/cluster", write, kRead, services_, &ServiceCalls::update_cluster);

    const std::string health = "/v1/ns/health";
    add(kAny, health + "/server", browse, kRead, operator_, &OperatorCalls::hello);
    add(kPut, health, write, kRead, operator_, &OperatorCalls::update_health);
    add(kPut, health + "/instance", write, kRead, operator_, &OperatorCalls::update_health);
    add(kGet, health + "/checkers", browse, kRead, operator_, &OperatorCalls::health_checkers);
    for (const std::string prefix : {"/v1/ns/operator", "/v1/ns/ops"}) {
        add(kAny, prefix + "/push/state", operator_writes(), kDeclared, operator_, &OperatorCalls::push_state);
        add(kGet, prefix + "/switches", operator_reads(), kDeclared, operator_, &OperatorCalls::switches);
        add(kPut, prefix + "/switches", operator_writes(), kDeclared, operator_, &OperatorCalls::update_switch);
        add(kGet, prefix + "/metrics", open, kRead, operator_, &OperatorCalls::metrics);
        add(kGet, prefix + "/distro/client", operator_reads(), kDeclared, operator_,
            &OperatorCalls::responsible_server);
        add(kPut, prefix + "/log", operator_writes(), kDeclared, operator_, &OperatorCalls::set_log_level);
    }
}

void NamingHttp::add_v2() {
    constexpr Style kForm{Generation::kV2, Missing::kRead};
    constexpr Style kDeclared{Generation::kV2, Missing::kDeclared};
    const Access read = reads(service_of<Generation::kV2>);
    const Access write = writes(service_of<Generation::kV2>);
    const Access write_grouped = writes(service_of<Generation::kV2, Spelling::kGrouped>);
    const Access browse = reads(namespace_of);
    const std::string instance = "/v2/ns/instance";
    add(kPost, instance, at("NamingInstanceRegister", write), kForm, instances_, &InstanceCalls::register_instance);
    add(kDelete, instance, at("NamingInstanceDeregister", write), kForm, instances_, &InstanceCalls::deregister);
    add(kPut, instance, at("NamingInstanceUpdate", write), kForm, instances_, &InstanceCalls::update);
    add(kPatch, instance, at("NamingInstanceUpdate", write_grouped), kDeclared, instances_, &InstanceCalls::patch_all);
    add(kGet, instance, at("NamingInstanceQuery", read), kDeclared, instances_, &InstanceCalls::detail);
    add(kGet, instance + "/list", at("NamingServiceSubscribe", read), kDeclared, instances_, &InstanceCalls::list);
    add(kPut, instance + "/beat", at("HttpHealthCheck", write_grouped), kDeclared, instances_, &InstanceCalls::beat);
    add(kPut, instance + "/metadata/batch", at("NamingInstanceMetadataUpdate", write), kForm, instances_,
        &InstanceCalls::update_metadata);
    add(kDelete, instance + "/metadata/batch", at("NamingInstanceMetadataUpdate", write), kForm, instances_,
        &InstanceCalls::delete_metadata);
    add(kAny, instance + "/statuses/{key}", reads(status_path_of), kDeclared, instances_,
        &InstanceCalls::statuses_of_path);

    const std::string service = "/v2/ns/service";
    add(kPost, service, at("NamingServiceRegister", write), kForm, services_, &ServiceCalls::create);
    add(kPut, service, at("NamingServiceUpdate", write), kForm, services_, &ServiceCalls::update);
    add(kDelete, service, at("NamingServiceDeregister", write), kDeclared, services_, &ServiceCalls::remove);
    add(kGet, service, at("NamingServiceQuery", read), kDeclared, services_, &ServiceCalls::detail);
    add(kGet, service + "/list", at("NamingServiceListQuery", browse), kDeclared, services_, &ServiceCalls::list);
    add(kAny, "/v2/ns/catalog/instances", reads(service_of<Generation::kV2, Spelling::kEither>), kDeclared, catalog_,
        &CatalogCalls::instances);
    add(kPut, "/v2/ns/health", write, kForm, operator_, &OperatorCalls::update_health);
    add(kPut, "/v2/ns/health/instance", write, kForm, operator_, &OperatorCalls::update_health);
    for (const std::string prefix : {"/v2/ns/operator", "/v2/ns/ops"}) {
        add(kGet, prefix + "/switches", operator_reads(), kForm, operator_, &OperatorCalls::switches);
        add(kPut, prefix + "/switches", operator_writes(), kForm, operator_, &OperatorCalls::update_switch);
        add(kGet, prefix + "/metrics", operator_reads(), kForm, operator_, &OperatorCalls::metrics);
    }
    const std::string client = "/v2/ns/client";
    add(kGet, client + "/list", operator_reads(), kDeclared, clients_, &ClientCalls::list);
    add(kGet, client, operator_reads(), kDeclared, clients_, &ClientCalls::detail);
    add(kGet, client + "/publish/list", operator_reads(), kDeclared, clients_, &ClientCalls::published);
    add(kGet, client + "/subscribe/list", operator_reads(), kDeclared, clients_, &ClientCalls::subscribed);
    add(kGet, client + "/service/publisher/list", read, kDeclared, clients_, &ClientCalls::publishers);
    add(kGet, client + "/service/subscriber/list", read, kDeclared, clients_, &ClientCalls::subscribers);
}

void NamingHttp::add_v3_client() {
    constexpr Style kForm{Generation::kV3, Missing::kRead};
    const std::string instance = "/v3/client/ns/instance";
    const Access write = writes(service_of<Generation::kV3>);
    add(kPost, instance, at("NamingInstanceRegister", write), kForm, instances_, &InstanceCalls::register_or_renew);
    add(kDelete, instance, at("NamingInstanceDeregister", write), kForm, instances_, &InstanceCalls::deregister);
    add(kGet, instance + "/list", at("NamingServiceSubscribe", reads(service_of<Generation::kV3>)), kForm, instances_,
        &InstanceCalls::list_for_clients);
}

void NamingHttp::add_v3_admin() {
    constexpr Style kForm{Generation::kV3, Missing::kRead};
    constexpr Style kDeclared{Generation::kV3, Missing::kDeclared};
    const Access read = reads(service_of<Generation::kV3>);
    const Access write = writes(service_of<Generation::kV3>);
    const Access browse = reads(namespace_of);
    const std::string base = "/v3/admin/ns";
    const std::string instance = base + "/instance";
    add(kPost, instance, at("NamingInstanceRegister", write), kForm, instances_, &InstanceCalls::register_instance);
    add(kDelete, instance, at("NamingInstanceDeregister", write), kForm, instances_, &InstanceCalls::deregister);
    add(kPut, instance, at("NamingInstanceUpdate", write), kForm, instances_, &InstanceCalls::update);
    add(kPut, instance + "/partial", at("NamingInstanceUpdate", write), kForm, instances_,
        &InstanceCalls::update_partly);
    add(kPut, instance + "/metadata/batch", at("NamingInstanceMetadataUpdate", write), kForm, instances_,
        &InstanceCalls::update_metadata);
    add(kDelete, instance + "/metadata/batch", at("NamingInstanceMetadataUpdate", write), kForm, instances_,
        &InstanceCalls::delete_metadata);
    // This one and health/checkers are declared as writes by the reference (protocol/naming.md §8).
    add(kGet, instance, at("NamingInstanceQuery", write), kForm, instances_, &InstanceCalls::detail);
    add(kGet, instance + "/list", at("NamingServiceSubscribe", read), kForm, instances_,
        &InstanceCalls::list_for_operators);

    const std::string service = base + "/service";
    add(kPost, service, at("NamingServiceRegister", write), kForm, services_, &ServiceCalls::create);
    add(kPut, service, at("NamingServiceUpdate", write), kForm, services_, &ServiceCalls::update);
    add(kDelete, service, at("NamingServiceDeregister", write), kForm, services_, &ServiceCalls::remove);
    add(kGet, service, at("NamingServiceQuery", read), kForm, services_, &ServiceCalls::detail);
    add(kGet, service + "/list", at("NamingServiceListQuery", browse), kForm, catalog_, &CatalogCalls::service_page);
    add(kGet, service + "/subscribers", at("NamingServiceSubscribe", read), kForm, catalog_,
        &CatalogCalls::subscriber_page);
    add(kGet, service + "/selector/types", browse, kForm, services_, &ServiceCalls::selector_types);
    add(kPut, base + "/cluster", write, kForm, services_, &ServiceCalls::update_cluster);
    add(kPut, base + "/health/instance", write, kForm, operator_, &OperatorCalls::update_health);
    add(kGet, base + "/health/checkers", writes(namespace_of), kForm, operator_, &OperatorCalls::health_checkers);
    add(kGet, base + "/health/probes", read, kForm, operator_, &OperatorCalls::probes);  // ours alone
    add(kGet, base + "/ops/switches", operator_reads(), kForm, operator_, &OperatorCalls::switches);
    add(kPut, base + "/ops/switches", operator_writes(), kForm, operator_, &OperatorCalls::update_switch);
    add(kGet, base + "/ops/metrics", operator_reads(), kForm, operator_, &OperatorCalls::metrics);
    add(kPut, base + "/ops/log", operator_writes(), kDeclared, operator_, &OperatorCalls::set_log_level);

    const std::string client = base + "/client";
    add(kGet, client + "/list", operator_reads(), kDeclared, clients_, &ClientCalls::list);
    add(kGet, client, operator_reads(), kDeclared, clients_, &ClientCalls::detail);
    add(kGet, client + "/publish/list", operator_reads(), kDeclared, clients_, &ClientCalls::published);
    add(kGet, client + "/subscribe/list", operator_reads(), kDeclared, clients_, &ClientCalls::subscribed);
    add(kGet, client + "/service/publisher/list", read, kForm, clients_, &ClientCalls::publishers);
    add(kGet, client + "/service/subscriber/list", read, kForm, clients_, &ClientCalls::subscribers);
    add(kGet, client + "/distro", operator_reads(), kDeclared, operator_, &OperatorCalls::responsible_server);
}

void NamingHttp::add_unknown() {
    const Access nothing{Action::kRead, kType, nullptr, {}, "it only says that there is no such call"};
    for (const HttpMethod method : kMethods) {
        registrations_.take(routes_->add(
            {method, "/v1/ns/**", nothing}, [this](const spi::HttpRequest& request, spi::HttpResponder responder) {
                protocol::reply_servlet_error(
                    std::move(responder), 501,
                    "no such api:" + std::string(spi::to_string(request.method)) + ":" + std::string(request.path),
                    request.path, clock_.wall_ms());
            }));
    }
}

}  // namespace pharos::naming
