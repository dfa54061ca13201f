#include "app/admin_routes.hpp"

#include <algorithm>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::app {

namespace {

using sdk::JsonWriter;
using namespace std::chrono_literals;

/// A loop that has not come round for this long is stuck.
constexpr auto kStuck = 10s;
constexpr std::string_view kProbe = "probes have no login, and it says nothing but yes or no";

void send(spi::HttpResponder responder, int status, std::string_view type, std::string_view body) {
    const spi::Piece pieces[] = {body};
    responder.send({.status = status, .content_type = type, .headers = {}, .body = pieces});
}

std::string_view to_string(spi::HealthState state) {
    switch (state) {
        case spi::HealthState::kOk: return "ok";
        case spi::HealthState::kDegraded: return "degraded";
        case spi::HealthState::kFailed: return "failed";
    }
    return "failed";
}

}  // namespace

void AdminRoutes::add(std::string_view path, std::string_view anonymous_because,
                      std::function<void(spi::HttpResponder)> answer) {
    const spi::Access<spi::HttpRequest> access{spi::Action::kRead, "node", nullptr, {}, anonymous_because};
    registrations_.take(
        parts_.router.add({spi::HttpMethod::kGet, path, access},
                          [answer = std::move(answer)](const spi::HttpRequest&, spi::HttpResponder responder) {
                              answer(std::move(responder));
                          }));
}

spi::Status AdminRoutes::add() {
    const auto yes_or_no = [](spi::HttpResponder responder, bool yes) {
        send(std::move(responder), yes ? 200 : 503, "text/plain", yes ? "OK" : "NO");
    };
    add("//health/live", kProbe, [this, yes_or_no](spi::HttpResponder responder) {
        yes_or_no(std::move(responder), parts_.io.longest_silence() < kStuck);
    });
    add("//health/ready", kProbe,
        [this, yes_or_no](spi::HttpResponder responder) { yes_or_no(std::move(responder), is_ready()); });
    const auto json = [this](std::string (AdminRoutes::*make)() const) {
        return [this, make](spi::HttpResponder responder) {
            send(std::move(responder), 200, "application/json", (this->*make)());
        };
    };
    add("//health", {}, json(&AdminRoutes::health_json));
    add("//plugins", {}, json(&AdminRoutes::plugins_json));
    add("//access", {}, json(&AdminRoutes::access_json));
    const auto metrics = [this](spi::HttpResponder responder) {
        send(std::move(responder), 200, "text/plain; version=0.0.4; charset=utf-8", parts_.metrics.exposition());
    };
    add("//metrics", {}, metrics);
    // Where the original has them, for probes and dashboards that were made for it.
    add("/actuator/prometheus", {}, metrics);
    add("/actuator/health", kProbe, [this](spi::HttpResponder responder) {
        const bool up = is_ready();
        send(std::move(responder), up ? 200 : 503, "application/json",
             up ? R"({"status":"UP"})" : R"({"status":"DOWN"})");
    });
    return registrations_.status();
}

bool AdminRoutes::is_ready() const {
    const std::vector<plugin::CapabilityHealth> all = parts_.host.health();
    return std::none_of(all.begin(), all.end(),
                        [](const plugin::CapabilityHealth& one) { return one.state == spi::HealthState::kFailed; });
}

std::string AdminRoutes::health_json() const {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const plugin::CapabilityHealth& one : parts_.host.health()) {
        json.begin_object().member("capability", one.capability).member("state", to_string(one.state));
        json.member("reason", one.reason).end_object();
    }
    json.end_array();
    return out;
}

std::string AdminRoutes::plugins_json() const {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const plugin::PluginRow& row : parts_.host.table()) {
        json.begin_object().member("name", row.name).member("version", row.version);
        json.member("state", plugin::to_string(row.state)).member("provides", row.provides);
        json.member("requires", row.requires_).member("file", row.file).member("foreign", row.foreign);
        json.member("optional", row.optional).member("reason", row.reason);
        json.member("startMicros", row.start_time.count()).end_object();
    }
    json.end_array();
    return out;
}

std::string AdminRoutes::access_json() const {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const std::vector<access::Entry>& entries : {parts_.router.entries(), parts_.rpc.entries()}) {
        for (const access::Entry& entry : entries) {
            json.begin_object().member("what", entry.what);
            json.member("action", entry.action == spi::Action::kRead ? "read" : "write");
            json.member("resourceType", entry.resource_type).member("byResource", entry.has_resource);
            json.member("limitPoint", entry.limit_point).member("anonymousBecause", entry.anonymous_because);
            json.member("calls", entry.calls).end_object();
        }
    }
    json.end_array();
    return out;
}

}  // namespace pharos::app
