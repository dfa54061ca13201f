#include "cluster_http.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::core {

namespace {

using protocol::ErrorCode;
using sdk::JsonWriter;
using spi::HttpMethod;

constexpr std::string_view kResource = "console/cluster";
constexpr std::array<std::string_view, 5> kStates{"STARTING", "UP", "SUSPICIOUS", "DOWN", "ISOLATION"};

/// The state in the wire's letters; nothing when it is none.
std::optional<std::string_view> state_of(std::string_view name) {
    const auto found = std::find_if(kStates.begin(), kStates.end(), [name](std::string_view state) {
        return protocol::equals_ignoring_case(state, name);
    });
    return found == kStates.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

std::string ClusterCalls::member_json(const spi::Member& member) const {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("ip", member.ip).member("port", member.port).member("state", member.state);
    json.key("extendInfo").begin_object();
    if (member.self) {
        json.member("version", node_.version).member("supportGrayModel", true);
        json.member("lastRefreshTime", clock_.wall_ms());
    }
    json.end_object().member("address", member.address).key("abilities").begin_object();
    json.key("remoteAbility").begin_object().member("supportRemoteConnection", true);
    json.member("grpcReportEnabled", true).end_object();
    json.key("configAbility").begin_object().member("supportRemoteMetrics", false).end_object();
    json.key("namingAbility").begin_object().member("supportJraft", false).end_object();
    json.end_object().member("grpcReportEnabled", true).member("failAccessCnt", 0).end_object();
    return out;
}

std::string ClusterCalls::members_json(std::string_view address, std::string_view state) const {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const spi::Member& member : *members_.list()) {
        if (member.address.starts_with(address) && (state.empty() || member.state == state)) {
            json.raw(member_json(member));
        }
    }
    json.end_array();
    return out;
}

std::optional<spi::Member> ClusterCalls::self() const {
    for (const spi::Member& member : *members_.list()) {
        if (member.self) {
            return member;
        }
    }
    return std::nullopt;
}

void ClusterCalls::add_to(CallRoutes& routes) {
    add_v1(routes);
    add_later(routes, "/v2/core/cluster");
    add_later(routes, "/v3/admin/core/cluster");
    routes.add(HttpMethod::kGet, "/v2/core/cluster/node/self/health", kResource, Envelope::kResult, [this](Call& call) {
        const auto me = self();
        call.reply.json(me ? '"' + me->state + '"' : "null");
    });
    routes.add(HttpMethod::kDelete, "/v2/core/cluster/nodes", kResource, Envelope::kRest, [](Call& call) {
        call.reply.fail(405, ErrorCode::kServerError,
                        "DELETE /v2/core/cluster/nodes API not allow to use temporarily.");
    });
    routes.add(HttpMethod::kGet, "/v3/console/core/cluster/nodes", kResource, Envelope::kResult,
               [this](Call& call) { call.reply.json(members_json(call.params.get("keyword"), {})); });
}

void ClusterCalls::add_v1(CallRoutes& routes) {
    const auto get = [&](std::string_view path, CallRoutes::Handler handler) {
        routes.add(HttpMethod::kGet, path, kResource, Envelope::kRest, std::move(handler));
    };
    get("/v1/core/cluster/self", [this](Call& call) {
        const auto me = self();
        call.reply.json(me ? member_json(*me) : "null");
    });
    get("/v1/core/cluster/nodes",
        [this](Call& call) { call.reply.json(members_json(call.params.get("keyword"), {})); });
    get("/v1/core/cluster/simple/nodes", [this](Call& call) {
        std::string out;
        JsonWriter json(out);
        json.begin_array();
        for (const spi::Member& member : *members_.list()) {
            json.value(member.address);
        }
        json.end_array();
        call.reply.json(out);
    });
    get("/v1/core/cluster/health", [this](Call& call) {
        const auto me = self();
        call.reply.json(me ? '"' + me->state + '"' : "null");
    });
    routes.add(HttpMethod::kPost, "/v1/core/cluster/switch/lookup", kResource, Envelope::kRest, [this](Call& call) {
        if (const auto type = call.require("type")) {
            switch_lookup(call, *type);
        }
    });
    routes.add(HttpMethod::kPost, "/v1/core/cluster/server/leave", kResource, Envelope::kRest, [](Call& call) {
        call.reply.fail(405, ErrorCode::kServerError,
                        "/v1/core/cluster/server/leave API not allow to use temporarily.");
    });
}

void ClusterCalls::add_later(CallRoutes& routes, std::string_view base) {
    const std::string path(base);
    routes.add(HttpMethod::kGet, path + "/node/self", kResource, Envelope::kResult, [this](Call& call) {
        const auto me = self();
        call.reply.json(me ? member_json(*me) : "null");
    });
    routes.add(HttpMethod::kGet, path + "/node/list", kResource, Envelope::kResult, [this](Call& call) {
        const std::string_view given = call.params.get("state");
        const auto state = given.empty() ? std::optional(given) : state_of(given);
        if (!state) {
            call.reply.fail(400, ErrorCode::kIllegalState, "Illegal state: " + std::string(given));
            return;
        }
        call.reply.json(members_json(call.params.get("address"), *state));
    });
    routes.add(HttpMethod::kPut, path + "/lookup", kResource, Envelope::kResult, [this](Call& call) {
        if (!call.read_body()) {
            return;
        }
        const std::string_view type = call.member("type");
        if (type.empty()) {
            call.reply.fail(400, ErrorCode::kParameterMissing, "required parameter 'type' is missing");
            return;
        }
        switch_lookup(call, type);
    });
}

/// How members are found is a setting of the node, and it does not change while the node runs.
void ClusterCalls::switch_lookup(Call& call, std::string_view type) const {
    const int status = call.reply.envelope() == Envelope::kRest ? 500 : 400;
    if (type != "file" && type != "address-server") {
        call.reply.fail(
            status, ErrorCode::kParameterValidateError,
            "The addressing mode exists : " + std::string(type) + ", just support : [[file, address-server]]");
        return;
    }
    call.reply.fail(status, ErrorCode::kParameterValidateError,
                    "The addressing mode '" + std::string(type) +
                        "' can't be switched to while the node runs: set cluster.lookup and start the node again.");
}

}  // namespace pharos::core
