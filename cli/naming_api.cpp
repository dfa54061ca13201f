#include "cli/naming_api.hpp"

#include <algorithm>

#include "cli/json_reader.hpp"
#include "cli/reply_text.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace {

namespace json = boost::json;

constexpr std::size_t kPageSize = 200;
constexpr std::chrono::milliseconds kBeatInterval{5000};
constexpr std::int64_t kUnknownToServer = 20404;  // `protocol/naming.md §4.1`
constexpr std::string_view kDefaultGroup = "DEFAULT_GROUP";

Params params_of(const ServiceKey& key) {
    return {{"serviceName", key.name}, {"groupName", key.group}, {"namespaceId", key.namespace_id}};
}

Params with(Params params, Params more) {
    params.insert(params.end(), more.begin(), more.end());
    return params;
}

Params params_of(const ServiceKey& key, const NewInstance& instance) {
    return with(params_of(key), {{"ip", instance.ip},
                                 {"port", instance.port},
                                 {"clusterName", instance.cluster},
                                 {"ephemeral", instance.ephemeral ? "true" : "false"}});
}

Instance instance_of(const json::value& item) {
    return {.ip = text_of(item, "ip"),
            .port = number_of(item, "port"),
            .cluster = text_of(item, "clusterName"),
            .weight = fraction_of(item, "weight"),
            .healthy = truth_of(item, "healthy"),
            .enabled = truth_of(item, "enabled"),
            .ephemeral = truth_of(item, "ephemeral"),
            .metadata = pairs_of(item, "metadata")};
}

std::vector<Instance> instances_in(const json::array& items) {
    std::vector<Instance> instances;
    instances.reserve(items.size());
    std::transform(items.begin(), items.end(), std::back_inserter(instances), instance_of);
    return instances;
}

bool is_pattern(const std::string& text) { return text.empty() || text.find('*') != std::string::npos; }

}  // namespace

std::string ServiceKey::text() const {
    return "service '" + name + "' in group " + group + ", namespace " +
           (namespace_id.empty() ? "public" : namespace_id);
}

std::string to_text(const Metadata& metadata) {
    std::string out;
    for (const auto& [key, value] : metadata) {
        out += (out.empty() ? "" : " ") + key + "=" + value;
    }
    return out;
}

std::string Instance::address() const {
    return (ip.find(':') != std::string::npos ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

spi::Status NamingApi::about(const ServiceKey& key, const spi::Status& status) const {
    const std::string where = server_.endpoint().text();
    return {status.code(),
            status.message().starts_with(where)
                ? status.message()
                : where + ": " + (key.name.empty() ? "list of services" : key.text()) + ": " + status.message()};
}

spi::Status NamingApi::done(const ServiceKey& key, const spi::Result<Server::Answer>& answer) const {
    if (!answer) {
        return answer.error();
    }
    const HttpReply& reply = answer.value().reply;
    if (reply.status == 200 && reply.body == "ok") {
        return {};
    }
    const spi::Result<json::value> data = data_of(reply);
    return data ? spi::Status() : about(key, data.error());
}

spi::Result<std::vector<ServiceRow>> NamingApi::services(const std::string& namespace_id,
                                                         const std::string& name_pattern,
                                                         const std::string& group_pattern) {
    std::vector<ServiceRow> rows;
    const auto take = [&](ServiceRow row) {
        const auto is_wanted = [](const std::string& pattern, const std::string& text) {
            return pattern.empty() || matches(pattern, text);
        };
        if (is_wanted(name_pattern, row.name) && is_wanted(group_pattern, row.group)) {
            rows.push_back(std::move(row));
        }
    };
    const std::string one_group = is_pattern(group_pattern) ? std::string(kDefaultGroup) : group_pattern;
    std::size_t seen = 0;
    for (std::size_t page = 1;; ++page) {
        const Params paging{
            {"namespaceId", namespace_id}, {"pageNo", std::to_string(page)}, {"pageSize", std::to_string(kPageSize)}};
        const spi::Result<json::value> data =
            server_.ask({{"GET", "/v3/admin/ns/service/list", paging, {}},
                         {"GET", "/v1/ns/service/list", with(paging, {{"groupName", one_group}}), {}}});
        if (!data) {
            return about({}, data.error());
        }
        std::int64_t total = 0;
        std::size_t count = 0;
        if (const json::array* items = member_of(data.value(), "pageItems").if_array()) {
            total = number_of(data.value(), "totalCount");
            count = items->size();
            for (const json::value& item : *items) {
                take({.name = text_of(item, "name"),
                      .group = text_of(item, "groupName"),
                      .clusters = number_of(item, "clusterCount"),
                      .instances = number_of(item, "ipCount"),
                      .healthy = number_of(item, "healthyInstanceCount")});
            }
        } else if (const json::array* names = member_of(data.value(), "doms").if_array()) {
            total = number_of(data.value(), "count");
            count = names->size();
            for (const json::value& name : *names) {
                take({.name = name.is_string() ? std::string(name.get_string()) : std::string(), .group = one_group});
            }
        } else {
            return about({}, unexpected("a page of services", data.value()));
        }
        seen += count;
        if (count == 0 || static_cast<std::int64_t>(seen) >= total) {
            return rows;
        }
    }
}

spi::Result<std::size_t> NamingApi::count_services(const std::string& namespace_id) {
    const spi::Result<json::value> data =
        server_.ask({{"GET",
                      "/v3/admin/ns/service/list",
                      {{"namespaceId", namespace_id}, {"pageNo", "1"}, {"pageSize", "1"}},
                      {}}});
    return data ? spi::Result<std::size_t>(static_cast<std::size_t>(number_of(data.value(), "totalCount")))
                : data.error();
}

spi::Result<Service> NamingApi::service(const ServiceKey& key) {
    const spi::Result<Server::Answer> answer = server_.send_first(
        {{"GET", "/v3/admin/ns/service", params_of(key), {}}, {"GET", "/v1/ns/service", params_of(key), {}}});
    if (!answer) {
        return answer.error();
    }
    const HttpReply& reply = answer.value().reply;
    const spi::Result<json::value> data = data_of(reply);
    if (!data) {
        // v1 says with a 400 that there is no such service (`protocol/naming.md §2.3`).
        const bool missing = data.error().message().starts_with("service not found");
        return about(key, {missing ? spi::Code::kNotFound : data.error().code(), data.error().message()});
    }
    const json::value& found = data.value();
    Service service{.key = key,
                    .knows_lifetime = member_of(found, "ephemeral").is_bool(),
                    .ephemeral = truth_of(found, "ephemeral"),
                    .protect_threshold = fraction_of(found, "protectThreshold"),
                    .selector = text_of(member_of(found, "selector"), "type"),
                    .metadata = pairs_of(found, "metadata"),
                    .clusters = {}};
    if (const json::object* clusters = member_of(found, "clusterMap").if_object()) {
        for (const auto& [name, unused] : *clusters) {
            service.clusters.emplace_back(name);
        }
    } else if (const json::array* list = member_of(found, "clusters").if_array()) {
        for (const json::value& cluster : *list) {
            service.clusters.push_back(text_of(cluster, "name"));
        }
    }
    std::sort(service.clusters.begin(), service.clusters.end());
    return service;
}

spi::Result<std::vector<Instance>> NamingApi::instances(const ServiceKey& key) {
    // The admin call shows disabled instances too, but one cluster at a time: the clusters are asked for first.
    const spi::Result<HttpReply> detail = server_.send({"GET", "/v3/admin/ns/service", params_of(key), {}});
    if (!detail) {
        return detail.error();
    }
    if (is_missing_call(detail.value())) {
        const spi::Result<View> seen = view(key);
        return seen ? spi::Result<std::vector<Instance>>(seen.value().instances) : seen.error();
    }
    const spi::Result<json::value> data = data_of(detail.value());
    if (!data) {
        return about(key, data.error());
    }
    const json::object* clusters = member_of(data.value(), "clusterMap").if_object();
    if (clusters == nullptr) {
        return about(key, unexpected("a service with its clusters", data.value()));
    }
    std::vector<Instance> all;
    for (const auto& [cluster, unused] : *clusters) {
        const spi::Result<HttpReply> reply = server_.send(
            {"GET", "/v3/admin/ns/instance/list", with(params_of(key), {{"clusterName", std::string(cluster)}}), {}});
        if (!reply) {
            return reply.error();
        }
        if (is_missing_thing(reply.value())) {
            continue;  // its last instance has just gone
        }
        const spi::Result<json::value> list = data_of(reply.value());
        if (!list) {
            return about(key, list.error());
        }
        const json::array* items = list.value().if_array();
        if (items == nullptr) {
            return about(key, unexpected("a list of instances", list.value()));
        }
        std::vector<Instance> some = instances_in(*items);
        all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    }
    return all;
}

spi::Result<NamingApi::View> NamingApi::view(const ServiceKey& key) {
    const spi::Result<json::value> data = server_.ask({{"GET", "/v1/ns/instance/list", params_of(key), {}}});
    if (!data) {
        return about(key, data.error());
    }
    const json::array* hosts = member_of(data.value(), "hosts").if_array();
    if (hosts == nullptr) {
        return about(key, unexpected("a list of instances", data.value()));
    }
    return View{.instances = instances_in(*hosts), .stamp = number_of(data.value(), "lastRefTime")};
}

spi::Status NamingApi::register_instance(const ServiceKey& key, const NewInstance& instance) {
    const Params params = with(params_of(key, instance), {{"weight", instance.weight},
                                                          {"metadata", instance.metadata},
                                                          {"enabled", instance.enabled ? "true" : "false"}});
    return done(key, server_.send_first(
                         {{"POST", "/v1/ns/instance", params, {}}, {"POST", "/v3/client/ns/instance", params, {}}}));
}

spi::Status NamingApi::deregister_instance(const ServiceKey& key, const NewInstance& instance) {
    const Params params = params_of(key, instance);
    return done(key, server_.send_first({{"DELETE", "/v1/ns/instance", params, {}},
                                         {"DELETE", "/v3/client/ns/instance", params, {}}}));
}

spi::Result<std::chrono::milliseconds> NamingApi::beat(const ServiceKey& key, const NewInstance& instance) {
    const Params params = params_of(key, instance);
    const spi::Result<Server::Answer> answer =
        server_.send_first({{"PUT", "/v1/ns/instance/beat", params, {}},
                            {"POST", "/v3/client/ns/instance", with(params, {{"heartBeat", "true"}}), {}}});
    if (!answer) {
        return answer.error();
    }
    const HttpReply& reply = answer.value().reply;
    const spi::Status unknown(spi::Code::kNotFound, "the server does not know the instance");
    if (is_missing_thing(reply)) {
        return about(key, unknown);
    }
    if (answer.value().which == 1) {
        const spi::Result<json::value> data = data_of(reply);
        return data ? spi::Result<std::chrono::milliseconds>(kBeatInterval) : about(key, data.error());
    }
    // No envelope, though it has a code.
    const spi::Result<json::value> data = data_of(reply);
    if (!data) {
        return about(key, data.error());
    }
    if (number_of(data.value(), "code") == kUnknownToServer) {
        return about(key, unknown);
    }
    const std::int64_t interval = number_of(data.value(), "clientBeatInterval");
    return interval > 0 ? std::chrono::milliseconds(interval) : kBeatInterval;
}

}  // namespace pharos::cli
