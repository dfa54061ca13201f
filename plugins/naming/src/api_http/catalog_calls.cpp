#include "api_http/catalog_calls.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "api_http/outcomes.hpp"
#include "api_http/parameters.hpp"
#include "api_http/shapes.hpp"

namespace pharos::naming {

namespace {

using protocol::PageRequest;
using protocol::PageSlice;
using sdk::JsonWriter;

/// How long a search may keep a thread.
constexpr spi::Duration kPatience = std::chrono::seconds(3);

Failure too_long() { return illegal("The search took longer than 3 s; a simpler search text takes less."); }

NamePattern read_pattern(Reader& reader, std::string_view name) {
    spi::Result<NamePattern> pattern = NamePattern::parse(reader.text(name));
    if (!pattern) {
        reader.refuse(illegal(pattern.error().message()));
        return NamePattern::parse({}).value();
    }
    return std::move(pattern.value());
}

PageRequest read_page(Reader& reader) {
    PageRequest page;
    page.number = reader.required_whole("pageNo", "int");
    page.size = reader.required_whole("pageSize", "int");
    return page;
}

/// As read_page(), but what is missing is an error of the server, as in the reference (`protocol/naming.md §2.3`).
PageRequest read_page_of_services(Reader& reader) {
    for (const std::string_view name : {"pageNo", "pageSize"}) {
        if (reader.text(name).empty()) {
            reader.refuse(business_error(500, protocol::ErrorCode::kServerError,
                                         "caused: Parameter '" + std::string(name) + "' is missing;"));
            return {};
        }
    }
    return read_page(reader);
}

/// A subscriber as lists show it. Connections of one host and application are one row (`protocol/naming.md §2.3`).
struct SubscriberRow {
    const Service* service;
    std::string address;  ///< "ip:port" over UDP, else the ip
    SubscriberInfoPtr info;
    std::string clusters;

    [[nodiscard]] auto identity() const {
        return std::tie(service->key().namespace_id, service->grouped_name(), address, info->agent, info->app,
                        info->ip);
    }
};

std::vector<SubscriberRow> rows_of(const std::vector<ServiceMembers>& members) {
    std::vector<SubscriberRow> rows;
    for (const ServiceMembers& each : members) {
        for (const TiePtr& tie : each.subscribers) {
            SubscriberInfoPtr info = tie->client->subscriber_info();
            const std::shared_ptr<const std::string> clusters = tie->subscription.load();
            if (info == nullptr || clusters == nullptr) {
                continue;  // it has just gone
            }
            std::string address = address_of(*info);
            rows.push_back({each.service.get(), std::move(address), std::move(info), *clusters});
        }
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const SubscriberRow& a, const SubscriberRow& b) { return a.identity() < b.identity(); });
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [](const SubscriberRow& a, const SubscriberRow& b) { return a.identity() == b.identity(); }),
               rows.end());
    return rows;
}

void append_row_v1(JsonWriter& json, const SubscriberRow& row) {
    json.begin_object().member("addrStr", row.address).member("agent", row.info->agent).member("app", row.info->app);
    json.member("ip", row.info->ip).member("port", row.info->port);
    json.member("namespaceId", row.service->key().namespace_id).member("serviceName", row.service->grouped_name());
    json.member("cluster", row.clusters).end_object();
}

void append_row_v3(JsonWriter& json, const SubscriberRow& row) {
    const ServiceKey& key = row.service->key();
    json.begin_object().member("namespaceId", key.namespace_id).member("groupName", key.group);
    json.member("serviceName", key.name).member("ip", row.info->ip).member("port", row.info->port);
    json.member("agent", row.info->agent).member("appName", row.info->app);
    json.member("address", row.info->ip + ":" + std::to_string(row.info->port)).end_object();
}

}  // namespace

/// Which services somebody looks for, and what of them.
struct CatalogCalls::Search {
    std::string namespace_id;
    NamePattern group;
    NamePattern name;
    PageRequest page;
    bool only_with_instances = false;
    bool with_instances = false;
};

void CatalogCalls::service(Call& call) {
    const ServiceKey key = read_service(call.read);
    if (call.refused()) {
        return;
    }
    const ServicePtr service = find_existing(registry_, key);
    if (service == nullptr) {
        call.answer.refuse(
            business_error(404, protocol::ErrorCode::kServerError, "service " + key.grouped_name() + " is not found!"));
        return;
    }
    std::string body;
    JsonWriter json(body);
    append_catalog_service(json, *service);
    call.answer.json(body);
}

void CatalogCalls::cluster_instances(Call& call) {
    const ServiceKey key = read_service(call.read);
    const std::string_view cluster = call.read.required("clusterName");
    call.read.check(protocol::check_cluster(cluster));
    const PageRequest page = read_page(call.read);
    if (call.refused()) {
        return;
    }
    std::vector<HostPtr> hosts;
    if (const std::optional<Failure> failure = find_cluster_hosts(registry_, key, cluster, hosts)) {
        call.answer.refuse(*failure);
        return;
    }
    const PageSlice slice = protocol::slice_of(page, hosts.size());
    std::string body;
    JsonWriter json(body);
    json.begin_object().key("list").begin_array();
    for (std::size_t i = slice.begin; i < slice.end; ++i) {
        json.raw(hosts[i]->json());
    }
    json.end_array().member("count", hosts.size()).end_object();
    call.answer.json(body);
}

void CatalogCalls::instances(Call& call) {
    const ServiceKey key = read_service(call.read, Spelling::kEither);
    const std::optional<bool> healthy = call.read.find_truth("healthyOnly");
    const std::optional<bool> enabled = call.read.find_truth("enabledOnly");
    const PageRequest page = read_page(call.read);
    if (call.refused()) {
        return;
    }
    std::vector<HostPtr> hosts = registry_.snapshot(key)->hosts();
    std::erase_if(hosts, [&](const HostPtr& host) {
        return host->instance().healthy != healthy.value_or(host->instance().healthy) ||
               host->instance().enabled != enabled.value_or(host->instance().enabled);
    });
    const PageSlice slice = protocol::slice_of(page, hosts.size());
    std::string body;
    JsonWriter json(body);
    json.begin_object();
    if (slice.begin < slice.end) {
        json.key("instances").begin_array();
        for (std::size_t i = slice.begin; i < slice.end; ++i) {
            json.raw(hosts[i]->json());
        }
        json.end_array();
    }
    json.member("count", hosts.size()).end_object();
    call.answer.json(body);
}

void CatalogCalls::services(Call& call) {
    Search search{read_namespace(call.read), read_pattern(call.read, "groupNameParam"),
                  read_pattern(call.read, "serviceNameParam"), read_page_of_services(call.read)};
    search.only_with_instances = call.read.truth("hasIpCount", false);
    search.with_instances = call.read.truth("withInstances", false);
    if (!call.refused()) {
        this->search(call, std::move(search));
    }
}

void CatalogCalls::service_page(Call& call) {
    Search search{read_namespace(call.read), read_pattern(call.read, "groupNameParam"),
                  read_pattern(call.read, "serviceNameParam"), call.read.page({})};
    search.only_with_instances = call.read.truth("ignoreEmptyService", false);
    search.with_instances = call.read.truth("withInstances", false);
    if (!call.refused()) {
        this->search(call, std::move(search));
    }
}

void CatalogCalls::search(Call& call, Search search) {
    background_.run(
        [this, search = std::move(search), answer = std::move(call.answer)]() mutable { run(search, answer); });
}

template <class Matches>
std::optional<std::vector<ServicePtr>> CatalogCalls::find(std::string_view namespace_id, Matches matches) const {
    const spi::Duration deadline = clock_.steady() + kPatience;
    std::vector<ServicePtr> found;
    for (ServicePtr& service : registry_.services(namespace_id)) {
        if (matches(*service)) {
            found.push_back(std::move(service));
        }
        if (clock_.steady() > deadline) {
            return std::nullopt;
        }
    }
    return found;
}

void CatalogCalls::run(const Search& search, Answer& answer) const {
    const auto matching = find(search.namespace_id, [&](const Service& service) {
        return search.group.matches(service.key().group) && search.name.matches(service.key().name) &&
               !(search.only_with_instances && service.snapshot()->hosts().empty());
    });
    if (!matching) {
        answer.refuse(too_long());
        return;
    }
    const std::vector<ServicePtr>& found = *matching;
    const PageSlice slice = protocol::slice_of(search.page, found.size());
    std::string body;
    JsonWriter json(body);
    const auto append_items = [&] {
        for (std::size_t i = slice.begin; i < slice.end; ++i) {
            if (search.with_instances) {
                append_service_detail(json, *found[i], answer.generation(), DetailHosts::kAll);
            } else {
                append_service_row(json, *found[i]);
            }
        }
        json.end_array();
    };
    if (answer.generation() == Generation::kV3) {
        protocol::begin_page(json, search.page, found.size(), protocol::PageCount::kOneMore);
        append_items();
        json.end_object();
    } else if (search.with_instances) {
        json.begin_array();
        append_items();
    } else {
        json.begin_object().member("count", found.size()).key("serviceList").begin_array();
        append_items();
        json.end_object();
    }
    answer.json(body);
}

void CatalogCalls::names(Call& call) {
    std::string namespace_id(call.read.text("namespaceId"));
    call.read.check(protocol::check_namespace(namespace_id));
    NamePattern pattern = read_pattern(call.read, "expr");
    if (call.refused()) {
        return;
    }
    background_.run([this, namespace_id = std::move(namespace_id), pattern = std::move(pattern),
                     answer = std::move(call.answer)]() mutable {
        const auto found =
            find(namespace_id, [&](const Service& service) { return pattern.matches(service.grouped_name()); });
        if (!found) {
            answer.refuse(too_long());
            return;
        }
        std::string body;
        JsonWriter json(body);
        json.begin_object().key("META-INF/services").begin_object();
        std::string_view open;  // the namespace whose array is open; services come in order of namespaces
        for (const ServicePtr& service : *found) {
            if (service->key().namespace_id != open) {
                if (!open.empty()) {
                    json.end_array();
                }
                open = service->key().namespace_id;
                json.key(open).begin_array();
            }
            json.value(service->grouped_name());
        }
        if (!open.empty()) {
            json.end_array();
        } else if (!namespace_id.empty()) {
            json.key(namespace_id).begin_array().end_array();
        }
        json.end_object().member("count", found->size()).end_object();
        answer.json(body);
    });
}

void CatalogCalls::subscribers(Call& call) {
    constexpr std::int64_t kUsual = 1000;
    ServiceKey key = read_service(call.read);
    const PageRequest page{call.read.whole("pageNo", 1), call.read.whole("pageSize", kUsual)};
    call.read.plain_truth("aggregation", true);
    if (call.refused()) {
        return;
    }
    background_.run([this, key = std::move(key), page, answer = std::move(call.answer)]() mutable {
        // Also services that nobody publishes: they have subscribers all the same.
        std::vector<ServicePtr> services = registry_.all_services();
        std::erase_if(services, [&](const ServicePtr& service) {
            const ServiceKey& other = service->key();
            return other.namespace_id != key.namespace_id || service->subscriber_count() == 0 ||
                   other.group.find(key.group) == std::string::npos || other.name.find(key.name) == std::string::npos;
        });
        collect_subscribers(std::move(services), page, std::move(answer));
    });
}

void CatalogCalls::subscriber_page(Call& call) {
    const ServiceKey key = read_service(call.read);
    const PageRequest page = call.read.page({});
    call.read.plain_truth("aggregation", true);
    if (call.refused()) {
        return;
    }
    const ServicePtr service = registry_.find(key);
    collect_subscribers(service != nullptr ? std::vector{service} : std::vector<ServicePtr>{}, page,
                        std::move(call.answer));
}

void CatalogCalls::collect_subscribers(std::vector<ServicePtr> services, PageRequest page, Answer answer) const {
    Registry::members(services, [page, answer = std::move(answer)](std::vector<ServiceMembers> members) mutable {
        const std::vector<SubscriberRow> rows = rows_of(members);
        const PageSlice slice = protocol::slice_of(page, rows.size());
        std::string body;
        JsonWriter json(body);
        const bool v3 = answer.generation() == Generation::kV3;
        if (v3) {
            protocol::begin_page(json, page, rows.size(), protocol::PageCount::kOneMore);
        } else {
            json.begin_object().key("subscribers").begin_array();
        }
        for (std::size_t i = slice.begin; i < slice.end; ++i) {
            v3 ? append_row_v3(json, rows[i]) : append_row_v1(json, rows[i]);
        }
        json.end_array();
        if (!v3) {
            json.member("count", rows.size());
        }
        json.end_object();
        answer.json(body);
    });
}

}  // namespace pharos::naming
