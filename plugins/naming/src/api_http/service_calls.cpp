#include "api_http/service_calls.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <pharos/protocol/paging.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "api_http/outcomes.hpp"
#include "api_http/shapes.hpp"

namespace pharos::naming {

namespace {

using protocol::ErrorCode;

/// Characters of a health checker: those of plugins are kept as they come.
constexpr std::size_t kLongestChecker = 4096;

/// Threshold, selector and metadata of a service: what is absent is cleared.
ServiceMetadata read_service_metadata(Reader& reader) {
    ServiceMetadata metadata;
    metadata.protect_threshold = reader.decimal("protectThreshold", 0.0);
    metadata.data = read_metadata(reader);
    spi::Result<Selector> selector = parse_selector(reader.text("selector"));
    if (selector) {
        metadata.selector = std::move(selector.value());
    } else if (selector.error().code() == spi::Code::kInvalidArgument) {
        reader.refuse(business_error(400, ErrorCode::kSelectorError, selector.error().message()));
    } else {
        reader.refuse(business_error(500, ErrorCode::kServerError, selector.error().message()));
    }
    return metadata;
}

}  // namespace

void ServiceCalls::create(Call& call) {
    ServiceKey key = read_service(call.read);
    ServiceMetadata metadata = read_service_metadata(call.read);
    // v1 knows persistent services only (protocol/naming.md §7.2).
    metadata.ephemeral = call.generation() != Generation::kV1 && call.read.truth("ephemeral", false);
    if (!call.refused()) {
        catalogue_.create(std::move(key), std::move(metadata),
                          answering(call, {.conflict = ErrorCode::kServiceAlreadyExist}));
    }
}

void ServiceCalls::update(Call& call) {
    ServiceKey key = read_service(call.read);
    if (call.generation() == Generation::kV1) {
        call.read.required("protectThreshold");
    }
    ServiceMetadata given = read_service_metadata(call.read);
    if (call.refused()) {
        return;
    }
    catalogue_.update(
        std::move(key),
        [given = std::move(given)](ServiceMetadata& metadata) {
            metadata.protect_threshold = given.protect_threshold;
            metadata.selector = given.selector;
            metadata.data = given.data;
        },
        answering(call, {.not_found = ErrorCode::kServiceNotExist}));
}

void ServiceCalls::remove(Call& call) {
    ServiceKey key = read_service(call.read);
    if (!call.refused()) {
        catalogue_.remove(std::move(key), answering(call, {.not_found = ErrorCode::kServiceNotExist,
                                                           .conflict = ErrorCode::kServiceDeleteFailure}));
    }
}

void ServiceCalls::detail(Call& call) {
    const ServiceKey key = read_service(call.read);
    if (call.refused()) {
        return;
    }
    const ServicePtr service = find_existing(registry_, key);
    if (service == nullptr) {
        call.answer.refuse(business_error(
            400, ErrorCode::kServiceNotExist,
            "service not found, namespace: " + key.namespace_id + ", serviceName: " + key.grouped_name()));
        return;
    }
    std::string body;
    sdk::JsonWriter json(body);
    if (call.generation() == Generation::kV1) {
        append_service_v1(json, *service);
    } else {
        append_service_detail(json, *service, call.generation(), DetailHosts::kNone);
    }
    call.answer.json(body);
}

void ServiceCalls::list(Call& call) {
    constexpr std::int64_t kUsual = 20;
    constexpr std::int64_t kMost = 500;
    const bool v1 = call.generation() == Generation::kV1;
    const std::string namespace_id = read_namespace(call.read);
    const std::string group = read_group(call.read);
    protocol::PageRequest page;
    page.number = v1 ? call.read.required_whole("pageNo", "int") : call.read.whole("pageNo", 1);
    page.size = v1 ? call.read.required_whole("pageSize", "int") : std::min(kMost, call.read.whole("pageSize", kUsual));
    if (call.refused()) {
        return;
    }
    const std::vector<std::string> names = registry_.list(namespace_id, group);
    const protocol::PageSlice slice = protocol::slice_of(page, names.size());
    std::string body;
    sdk::JsonWriter json(body);
    json.begin_object().member("count", names.size()).key(v1 ? "doms" : "services").begin_array();
    for (std::size_t i = slice.begin; i < slice.end; ++i) {
        json.value(names[i]);
    }
    json.end_array().end_object();
    call.answer.json(body);
}

void ServiceCalls::selector_types(Call& call) { call.answer.rest_json(R"(["label","none"])"); }

void ServiceCalls::update_cluster(Call& call) {
    ServiceKey key = read_service(call.read);
    std::string cluster(call.read.required("clusterName"));
    call.read.check(protocol::check_cluster(cluster));
    ClusterMetadata metadata;
    const std::string_view port = call.read.required("checkPort", "Integer");
    call.read.check(protocol::check_port(port));
    metadata.check_port = static_cast<std::uint16_t>(protocol::whole_number(port).value_or(0));
    call.read.required("useInstancePort4Check", "Boolean");
    metadata.use_instance_port = call.read.truth("useInstancePort4Check", true);
    const std::string_view checker = call.read.required("healthChecker");
    metadata.data = read_metadata(call.read);
    if (protocol::count_utf16_units(checker) > kLongestChecker) {
        call.read.refuse(illegal("Param 'healthChecker' is illegal, the param length should not exceed " +
                                 std::to_string(kLongestChecker) + "."));
    } else if (spi::Result<HealthChecker> parsed = parse_health_checker(checker)) {
        metadata.checker = std::move(parsed.value());
    } else {
        call.read.refuse(illegal("Param 'healthChecker' is illegal, " + parsed.error().message()));
    }
    if (!call.refused()) {
        catalogue_.update_cluster(std::move(key), std::move(cluster), std::move(metadata), answering(call));
    }
}

}  // namespace pharos::naming
