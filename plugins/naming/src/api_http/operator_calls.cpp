#include "api_http/operator_calls.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "api_http/outcomes.hpp"
#include "api_http/parameters.hpp"
#include "api_http/status_gate.hpp"

namespace pharos::naming {

namespace {

using sdk::JsonWriter;

/// To four digits behind the point.
double rounded(double number) { return std::round(number * 10'000.0) / 10'000.0; }

/// The part of the node that all logs of naming are of; the reference has several, such as "naming-main".
constexpr std::string_view kLog = "naming";

std::optional<spi::LogLevel> level_of(std::string_view name) {
    constexpr std::pair<std::string_view, spi::LogLevel> kLevels[] = {{"trace", spi::LogLevel::kDebug},
                                                                      {"debug", spi::LogLevel::kDebug},
                                                                      {"info", spi::LogLevel::kInfo},
                                                                      {"warn", spi::LogLevel::kWarn},
                                                                      {"error", spi::LogLevel::kError}};
    for (const auto& [known, level] : kLevels) {
        if (protocol::equals_ignoring_case(name, known)) {
            return level;
        }
    }
    return std::nullopt;
}

std::string_view name_of(spi::ProbeResult::Outcome outcome) {
    switch (outcome) {
        case spi::ProbeResult::Outcome::kPassed: return "PASSED";
        case spi::ProbeResult::Outcome::kFailed: return "FAILED";
        case spi::ProbeResult::Outcome::kFailedNow: return "FAILED_NOW";
        case spi::ProbeResult::Outcome::kNotProbed: return "NOT_PROBED";
    }
    return "UNKNOWN";
}

void append_probe(JsonWriter& json, const ProbeReport& report) {
    const auto millis = [](spi::Duration time) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    };
    const Instance& instance = report.host->instance();
    const spi::LastProbe& last = report.last;
    json.begin_object().member("clusterName", instance.cluster).member("ip", instance.ip);
    json.member("port", instance.port).member("type", report.type).member("healthy", instance.healthy);
    json.key("lastProbeTime");
    if (last.at_ms == 0) {
        json.null().key("outcome").null();
    } else {
        json.value(last.at_ms).member("outcome", name_of(last.result.outcome));
    }
    json.member("reason", last.result.reason).member("tookMs", millis(last.took));
    json.member("intervalMs", millis(last.interval)).member("inARow", last.in_a_row).end_object();
}

}  // namespace

OperatorCalls::OperatorCalls(Registry& registry, const Catalogue& catalogue, PersistentInstances& persistent,
                             Switches& switches, Background& background, PushCosts& push_costs,
                             spi::PluginContext& context)
    : registry_(registry),
      catalogue_(catalogue),
      persistent_(persistent),
      switches_(switches),
      background_(background),
      push_costs_(push_costs),
      node_(context.node()),
      log_levels_(context.log_levels()),
      pushes_(context.metrics().counter("pharos_naming_pushes_total", "Pushes that subscribers have acknowledged.")),
      push_failures_(
          context.metrics().counter("pharos_naming_push_failures_total", "Pushes that failed and were tried again.")) {}

void OperatorCalls::switches(Call& call) {
    std::string body;
    JsonWriter json(body);
    append_json(json, *switches_.current());
    call.answer.json(body);
}

void OperatorCalls::update_switch(Call& call) {
    std::string entry(call.read.required("entry"));
    std::string value(call.read.required("value"));
    const bool debug = call.read.plain_truth("debug", false);
    if (call.refused()) {
        return;
    }
    switches_.set(std::move(entry), std::move(value), debug,
                  [answer = std::move(call.answer)](const spi::Result<bool>& outcome) mutable {
                      if (outcome) {
                          answer.ok();
                          return;
                      }
                      Failure failure = failure_of(outcome.error());
                      if (answer.generation() != Generation::kV1) {
                          // A bad value is an error of the server there (protocol/naming.md §2.4).
                          failure.status = 500;
                          failure.code = protocol::ErrorCode::kServerError;
                      }
                      answer.refuse(failure);
                  });
}

void OperatorCalls::metrics(Call& call) {
    const bool only_status = call.read.plain_truth("onlyStatus", true);
    if (call.refused()) {
        return;
    }
    if (only_status) {
        // SDKs look for this very text (protocol/naming.md §11, trap 42).
        std::string body = R"({"status":)";
        JsonWriter::append_quoted(body, server_status(*switches_.current()));
        body += '}';
        call.answer.json(body);
        return;
    }
    background_.run(
        [this, answer = std::move(call.answer)]() mutable { answer.json(metrics_json(answer.generation())); });
}

std::string OperatorCalls::metrics_json(Generation generation) {
    const Registry::Counts counts = registry_.count();
    const std::size_t clients = counts.connection_clients + counts.ip_port_clients + counts.persistent_clients;
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("status", server_status(*switches_.current()));
    json.member("serviceCount", counts.services).member("instanceCount", counts.instances);
    json.member("subscribeCount", counts.subscribers);
    if (generation == Generation::kV1) {
        json.member("responsibleInstanceCount", counts.instances);
    }
    json.member("clientCount", clients).member("connectionBasedClientCount", counts.connection_clients);
    json.member("ephemeralIpPortClientCount", counts.ip_port_clients);
    json.member("persistentIpPortClientCount", counts.persistent_clients);
    json.member("responsibleClientCount", clients);
    if (generation != Generation::kV3) {
        json.member("cpu", rounded(host_load_.cpu())).member("load", rounded(sdk::HostLoad::load_average()));
        json.member("mem", rounded(sdk::HostLoad::memory()));
    }
    json.end_object();
    return body;
}

void OperatorCalls::push_state(Call& call) {
    const bool detail = call.read.truth("detail", false);
    const bool reset = call.read.truth("reset", false);
    if (call.refused()) {
        return;
    }
    const std::uint64_t pushes = pushes_.value();
    const std::uint64_t failures = push_failures_.value();
    const std::uint64_t succeeded = pushes - pushes_before_.load(std::memory_order_relaxed);
    const std::uint64_t total = succeeded + failures - push_failures_before_.load(std::memory_order_relaxed);
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("succeed", succeeded).member("total", total);
    if (total == 0) {
        json.member("ratio", 0);
    } else {
        json.member("ratio", static_cast<double>(succeeded) / static_cast<double>(total));
    }
    if (detail) {
        const PushCosts::Figures costs = push_costs_.figures();
        json.key("detail").begin_object().member("avgPushCost", costs.average_ms);
        json.member("maxPushCost", costs.longest_ms).end_object();
    }
    if (reset) {
        pushes_before_.store(pushes, std::memory_order_relaxed);
        push_failures_before_.store(failures, std::memory_order_relaxed);
        push_costs_.reset();
    }
    json.member("reset", reset).end_object();
    call.answer.json(body);
}

void OperatorCalls::set_log_level(Call& call) {
    const std::string_view name = call.read.required("logName");
    const std::string_view text = call.read.required("logLevel");
    const std::optional<spi::LogLevel> level = level_of(text);
    if (!name.starts_with(kLog)) {
        call.read.refuse(illegal("Param 'logName' is illegal, '" + std::string(name) +
                                 "' is no log of naming; those begin with 'naming'."));
    }
    if (!level) {
        call.read.refuse(
            illegal("Param 'logLevel' is illegal, '" + std::string(text) + "' is none of debug, info, warn, error."));
    }
    if (call.refused()) {
        return;
    }
    if (const spi::Status status = log_levels_.set_level(kLog, *level); !status) {
        call.answer.refuse(failure_of(status));
    } else {
        call.answer.ok();
    }
}

void OperatorCalls::responsible_server(Call& call) {
    call.read.check(protocol::check_ip(call.read.required("ip")));
    call.read.check(protocol::check_port(call.read.required("port")));
    if (call.refused()) {
        return;
    }
    std::string body;
    JsonWriter(body)
        .begin_object()
        .member("responsibleServer", node_.advertised_ip + ":" + std::to_string(node_.port))
        .end_object();
    call.answer.json(body);
}

void OperatorCalls::hello(Call& call) {
    std::string body;
    JsonWriter(body)
        .begin_object()
        .member("msg", "Hello! I am Nacos-Naming and healthy! total services: " +
                           std::to_string(registry_.count().services) + ", local port:" + std::to_string(node_.port))
        .end_object();
    call.answer.json(body);
}

void OperatorCalls::health_checkers(Call& call) {
    call.answer.json(R"({"TCP":{},"HTTP":{"path":"","headers":"","expectedResponseCode":200},)"
                     R"("MYSQL":{"user":null,"pwd":null,"cmd":null},"NONE":{}})");
}

void OperatorCalls::update_health(Call& call) {
    constexpr std::string_view kUnchecked = "NONE";
    const bool v1 = call.generation() == Generation::kV1;
    if (!v1 || call.read.text("valid").empty()) {
        call.read.required("healthy", "Boolean");
    }
    const bool healthy = call.read.truth("healthy", call.read.truth("valid", true));
    const ServiceKey key = read_service(call.read);
    const Address address = read_address(call.read);
    if (call.refused()) {
        return;
    }
    const ServiceMetadataPtr metadata = catalogue_.find(key);
    const auto cluster = metadata == nullptr ? std::map<std::string, ClusterMetadata>::const_iterator{}
                                             : metadata->clusters.find(address.cluster);
    if (metadata == nullptr || cluster == metadata->clusters.end() || cluster->second.checker.type != kUnchecked) {
        call.answer.refuse(business_error(
            400, protocol::ErrorCode::kServerError,
            "health check is still working, service: " + key.grouped_name() + ", cluster: " + address.cluster));
        return;
    }
    const ServicePtr service = registry_.find(key);
    if (service == nullptr || !service->has_persistent()) {
        // Only persistent instances have a health that operators set, and one that is not there is no error.
        call.answer.ok();
        return;
    }
    persistent_.writer().set_health(key, address.ip, address.port, address.cluster, healthy, answering(call));
}

void OperatorCalls::probes(Call& call) {
    const ServiceKey key = read_service(call.read);
    if (call.refused()) {
        return;
    }
    ServicePtr service = find_existing(registry_, key);
    if (service == nullptr) {
        call.answer.refuse(
            business_error(404, protocol::ErrorCode::kServerError, "service " + key.grouped_name() + " is not found!"));
        return;
    }
    persistent_.probes().report(std::move(service),
                                [answer = std::move(call.answer)](const std::vector<ProbeReport>& reports) mutable {
                                    std::string body;
                                    JsonWriter json(body);
                                    json.begin_array();
                                    for (const ProbeReport& report : reports) {
                                        append_probe(json, report);
                                    }
                                    json.end_array();
                                    answer.json(body);
                                });
}

}  // namespace pharos::naming
