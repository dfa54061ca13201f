#include "loader_http.hpp"

#include <chrono>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::core {

namespace {

using protocol::ErrorCode;
using sdk::JsonWriter;
using spi::HttpMethod;

constexpr std::string_view kResource = "console/loader";
constexpr double kLoaderFactor = 0.1;

std::string text_of(double number) {
    std::string text;
    JsonWriter::append_double(text, number);
    return text;
}

/// v2 answers a word and v3 an envelope without data.
void done(Call& call, std::string_view word) {
    if (call.reply.envelope() == Envelope::kBare) {
        call.reply.text(word);
    } else {
        call.reply.json("null");
    }
}

/// A parameter that is no number, in the words of each generation.
void fail_number(Call& call, std::string_view name, std::string_view value) {
    call.reply.fail(
        400, ErrorCode::kParameterValidateError,
        "parameter '" + std::string(name) + "' is '" + std::string(value) + "', which is not a number from 0");
}

}  // namespace

void LoaderCalls::add_to(CallRoutes& routes) {
    const auto current = [this](Call& call) { call.reply.json(connections_json()); };
    const auto cluster = [this](Call& call) { call.reply.json(metrics_json(call.reply.envelope())); };
    const auto reload_current_call = [this](Call& call) { reload_current(call); };
    const auto reload_client_call = [this](Call& call) { reload_client(call); };
    const auto smart_reload_call = [this](Call& call) { smart_reload(call); };

    routes.add(HttpMethod::kGet, "/v2/core/loader/current", kResource, Envelope::kBare, current);
    routes.add(HttpMethod::kGet, "/v2/core/loader/cluster", kResource, Envelope::kBare, cluster);
    routes.add_writing_get("/v2/core/loader/reloadCurrent", kResource, Envelope::kBare, reload_current_call);
    routes.add_writing_get("/v2/core/loader/reloadClient", kResource, Envelope::kBare, reload_client_call);
    routes.add_writing_get("/v2/core/loader/smartReloadCluster", kResource, Envelope::kBare, smart_reload_call);

    const std::string v3 = "/v3/admin/core/loader";
    routes.add(HttpMethod::kGet, v3 + "/current", kResource, Envelope::kResult, current);
    routes.add(HttpMethod::kGet, v3 + "/cluster", kResource, Envelope::kResult, cluster);
    routes.add(HttpMethod::kPost, v3 + "/reloadCurrent", kResource, Envelope::kResult, reload_current_call);
    routes.add(HttpMethod::kPost, v3 + "/reloadClient", kResource, Envelope::kResult, reload_client_call);
    routes.add(HttpMethod::kPost, v3 + "/smartReloadCluster", kResource, Envelope::kResult, smart_reload_call);
}

std::string LoaderCalls::connections_json() const {
    const spi::Duration now = clock_.steady();
    const std::int64_t wall = clock_.wall_ms();
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    for (const spi::ConnectionPtr& connection : connections_.list()) {
        const spi::Duration silence = now - connections_.last_active(connection->number);
        json.key(connection->id);
        json.raw(connection_json(*connection,
                                 wall - std::chrono::duration_cast<std::chrono::milliseconds>(silence).count()));
    }
    json.end_object();
    return out;
}

std::vector<ServerLoad> LoaderCalls::loads() const {
    std::vector<ServerLoad> found;
    for (const spi::Member& member : *members_.list()) {
        if (!member.self) {
            continue;
        }
        ServerLoad load{.address = member.address, .load = sdk::HostLoad::load_average(), .cpu = host_.cpu()};
        for (const spi::ConnectionPtr& connection : connections_.list()) {
            ++load.connections;
            load.sdk_connections += is_sdk(*connection) ? 1 : 0;
        }
        found.push_back(std::move(load));
    }
    return found;
}

std::string LoaderCalls::metrics_json(Envelope envelope) const {
    const std::vector<ServerLoad> servers = loads();
    const std::size_t members = members_.list()->size();
    const LoadSummary sum = summarise(servers);
    const bool v2 = envelope == Envelope::kBare;
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("detail").begin_array();
    for (const ServerLoad& server : servers) {
        json.begin_object().member("address", server.address);
        if (v2) {
            json.key("metric").begin_object().member("load", text_of(server.load));
            json.member("sdkConCount", std::to_string(server.sdk_connections)).member("cpu", text_of(server.cpu));
            json.member("conCount", std::to_string(server.connections)).end_object();
        } else {
            json.member("sdkConCount", server.sdk_connections).member("conCount", server.connections);
            json.member("load", text_of(server.load)).member("cpu", text_of(server.cpu));
        }
        json.end_object();
    }
    json.end_array().member("memberCount", members).member("metricsCount", servers.size());
    json.member("completed", servers.size() == members).member("max", sum.max).member("min", sum.min);
    json.member("avg", sum.average);
    if (v2) {
        json.member("threshold", sum.threshold());
    } else {
        json.member("threshold", text_of(sum.threshold()));
    }
    json.member("total", sum.total).end_object();
    return out;
}

void LoaderCalls::reload_current(Call& call) {
    const auto text = call.require("count", "Integer");
    if (!text) {
        return;
    }
    const std::optional<std::int64_t> count = protocol::whole_number(*text);
    if (!count || *count < 0) {
        return fail_number(call, "count", *text);
    }
    loader_.shed_to(static_cast<std::size_t>(*count), call.params.get("redirectAddress"));
    done(call, "success");
}

void LoaderCalls::reload_client(Call& call) {
    const auto id = call.require("connectionId");
    if (!id) {
        return;
    }
    if (!loader_.reset(*id, call.params.get("redirectAddress"))) {
        call.reply.fail(404, ErrorCode::kResourceNotFound, "there is no connection '" + std::string(*id) + "'");
        return;
    }
    done(call, "success");
}

void LoaderCalls::smart_reload(Call& call) {
    const std::string_view text = call.params.get("loaderFactor");
    const std::optional<double> factor = text.empty() ? std::optional(kLoaderFactor) : protocol::decimal_number(text);
    if (!factor || *factor < 0) {
        return fail_number(call, "loaderFactor", text);
    }
    const std::vector<ServerLoad> servers = loads();
    if (servers.size() != members_.list()->size()) {
        const std::string why = "the loads of " + std::to_string(members_.list()->size() - servers.size()) +
                                " other members are not known to this node";
        if (call.reply.envelope() == Envelope::kBare) {
            call.reply.text("Fail");
        } else {
            protocol::reply_result_failure(call.reply.take(), why, 200);
        }
        return;
    }
    for (const LoadMove& move : plan_moves(servers, *factor)) {
        loader_.shed_to(move.keep, move.to);
    }
    done(call, "Ok");
}

}  // namespace pharos::core
