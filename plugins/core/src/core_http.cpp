#include "core_http.hpp"

#include <algorithm>
#include <utility>

#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::core {

namespace {

using sdk::JsonWriter;

constexpr std::string_view kProbe = "probes and SDKs ask for it before anybody can log in";

/// How a generation wraps what it answers.
enum class Envelope { kBare, kRest, kResult };

void reply(spi::HttpResponder responder, Envelope envelope, std::string_view json) {
    switch (envelope) {
        case Envelope::kBare: protocol::reply_json(std::move(responder), 200, json); break;
        case Envelope::kRest: protocol::reply_rest_result(std::move(responder), json); break;
        case Envelope::kResult: protocol::reply_result(std::move(responder), json); break;
    }
}

}  // namespace

std::string CoreHttp::state_json() const {
    const spi::NodeInfo& node = context_.node();
    const auto has = [&](std::string_view module) {
        return std::find(node.modules.begin(), node.modules.end(), module) != node.modules.end();
    };
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("version", node.version);
    json.member("startup_mode", node.standalone ? "standalone" : "cluster");
    json.member("standalone_mode", node.standalone ? "standalone" : "cluster").key("function_mode");
    if (has("naming") == has("config")) {
        json.null();
    } else {
        json.value(has("naming") ? "naming" : "config");
    }
    json.member("server_port", std::to_string(node.port)).member("auth_enabled", "false");
    json.member("auth_system_type", "").member("auth_admin_request", "false");
    json.member("login_page_enabled", "false").member("console_ui_enabled", "false");
    json.member("datasource_platform", "").member("maxContent", "10485760").end_object();
    return out;
}

std::string CoreHttp::member_json(const spi::Member& member) const {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("ip", member.ip).member("port", member.port).member("state", member.state);
    json.key("extendInfo").begin_object();
    if (member.self) {
        json.member("version", context_.node().version).member("supportGrayModel", true);
        json.member("lastRefreshTime", context_.executors().clock().wall_ms());
    }
    json.end_object().member("address", member.address).key("abilities").begin_object().end_object();
    json.member("grpcReportEnabled", true).member("failAccessCnt", 0).end_object();
    return out;
}

std::string CoreHttp::members_json() const {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const spi::Member& member : *context_.members().list()) {
        json.raw(member_json(member));
    }
    json.end_array();
    return out;
}

std::string CoreHttp::self_json() const {
    const spi::MemberList members = context_.members().list();
    const auto self = std::find_if(members->begin(), members->end(), [](const spi::Member& m) { return m.self; });
    return self == members->end() ? "null" : member_json(*self);
}

spi::Status CoreHttp::add_to(spi::HttpRoutes& routes) {
    using Make = std::string (CoreHttp::*)() const;
    const auto add = [&](std::string_view path, std::string_view resource, std::string_view anonymous_because,
                         spi::HttpHandler handler) {
        const spi::Access<spi::HttpRequest> access{spi::Action::kRead, resource, nullptr, {}, anonymous_because};
        registrations_.take(routes.add({spi::HttpMethod::kGet, path, access}, std::move(handler)));
    };
    const auto answer = [&](std::string_view path, std::string_view resource, std::string_view anonymous_because,
                            Envelope envelope, Make make) {
        add(path, resource, anonymous_because,
            [this, envelope, make](const spi::HttpRequest&, spi::HttpResponder responder) {
                reply(std::move(responder), envelope, (this->*make)());
            });
    };
    const auto namespaces = [&](std::string_view path, Envelope envelope, std::string_view public_id) {
        add(path, "console/namespaces", {},
            [this, envelope, public_id](const spi::HttpRequest&, spi::HttpResponder responder) {
                const spi::Result<std::vector<Namespace>> found = namespaces_->list();
                if (!found) {
                    protocol::reply_result_error(std::move(responder), 500, protocol::ErrorCode::kDataAccessError,
                                                 found.error().message());
                    return;
                }
                reply(std::move(responder), envelope, namespaces_json(found.value(), public_id));
            });
    };
    namespaces("/v1/console/namespaces", Envelope::kRest, "");
    namespaces("/v2/console/namespace/list", Envelope::kResult, "");
    namespaces("/v3/admin/core/namespace/list", Envelope::kResult, "public");

    answer("/v1/console/server/state", "console/state", kProbe, Envelope::kBare, &CoreHttp::state_json);
    answer("/v3/admin/core/state", "console/state", kProbe, Envelope::kResult, &CoreHttp::state_json);
    const auto ok_text = [](const spi::HttpRequest&, spi::HttpResponder responder) {
        protocol::reply_text(std::move(responder), 200, "OK");
    };
    const auto ok_result = [](const spi::HttpRequest&, spi::HttpResponder responder) {
        protocol::reply_result(std::move(responder), "\"ok\"");
    };
    // Requests are answered only once every plugin has started, so that being answered is being ready.
    for (const std::string_view which : {"liveness", "readiness"}) {
        add("/v1/console/health/" + std::string(which), "console/health", kProbe, ok_text);
        add("/v2/console/health/" + std::string(which), "console/health", kProbe, ok_result);
        add("/v3/admin/core/state/" + std::string(which), "console/health", kProbe, ok_result);
    }
    answer("/v1/core/cluster/self", "console/cluster", {}, Envelope::kRest, &CoreHttp::self_json);
    answer("/v1/core/cluster/nodes", "console/cluster", {}, Envelope::kRest, &CoreHttp::members_json);
    answer("/v2/core/cluster/node/self", "console/cluster", {}, Envelope::kResult, &CoreHttp::self_json);
    answer("/v2/core/cluster/node/list", "console/cluster", {}, Envelope::kResult, &CoreHttp::members_json);
    answer("/v3/admin/core/cluster/node/self", "console/cluster", {}, Envelope::kResult, &CoreHttp::self_json);
    answer("/v3/admin/core/cluster/node/list", "console/cluster", {}, Envelope::kResult, &CoreHttp::members_json);
    return registrations_.status();
}

}  // namespace pharos::core
