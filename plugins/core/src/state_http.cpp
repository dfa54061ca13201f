#include "state_http.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::core {

namespace {

constexpr std::string_view kProbe = "probes and SDKs ask for it before anybody can log in";
constexpr std::string_view kHealth = "console/health";
constexpr std::string_view kState = "console/state";

/// Collects the modules of failed capabilities: "config" of "config.read".
class FailedModules final : public spi::HealthSink {
public:
    void report(std::string_view capability, spi::HealthState state, std::string_view) override {
        if (state == spi::HealthState::kFailed) {
            modules.emplace(capability.substr(0, capability.find('.')));
        }
    }
    std::set<std::string> modules;
};

}  // namespace

std::string readiness_failure(const spi::NodeHealth& health) {
    FailedModules failed;
    health.report_to(failed);
    std::string text;
    for (const std::string& module : failed.modules) {
        text += (text.empty() ? "" : " and ") + module;
    }
    return text.empty() ? text : text + " not in readiness";
}

std::string state_json(const spi::NodeInfo& node, bool has_auth) {
    const auto has = [&](std::string_view module) {
        return std::find(node.modules.begin(), node.modules.end(), module) != node.modules.end();
    };
    const std::string_view mode = node.standalone ? "standalone" : "cluster";
    const std::string_view auth = has_auth ? "true" : "false";
    std::string out;
    sdk::JsonWriter json(out);
    json.begin_object().member("version", node.version).member("startup_mode", mode);
    json.member("standalone_mode", mode).key("function_mode");
    if (has("naming") == has("config")) {
        json.null();
    } else {
        json.value(has("naming") ? "naming" : "config");
    }
    json.member("server_port", std::to_string(node.port)).member("auth_enabled", auth);
    json.member("auth_system_type", has_auth ? "nacos" : "").member("auth_admin_request", "false");
    json.member("login_page_enabled", auth).member("console_ui_enabled", has("console") ? "true" : "false");
    json.member("datasource_platform", "").member("plugin_datasource_log_enabled", "false");
    if (has("config")) {
        json.member("maxContent", "10485760");
    }
    json.end_object();
    return out;
}

void StateCalls::add_to(CallRoutes& routes) {
    // People and scripts look here first (protocol/core.md §3.6); the reference names its console's address.
    for (const std::string_view path : {"/", "/index.html"}) {
        routes.add_anonymous(path, kState, "it only says what this is", Envelope::kBare, [](Call& call) {
            call.reply.text("This is a Pharos server. It has no console; the command line is 'pharos help'.\n");
        });
    }

    const auto state = [this](Call& call) { call.reply.json(state_json(node_, has_auth_)); };
    routes.add_anonymous("/v1/console/server/state", kState, kProbe, Envelope::kBare, state);
    routes.add_anonymous("/v3/console/server/state", kState, kProbe, Envelope::kBare, state);
    routes.add_anonymous("/v3/admin/core/state", kState, kProbe, Envelope::kResult, state);

    const auto alive = [](Call& call) { call.reply.json("\"ok\""); };
    routes.add_anonymous("/v1/console/health/liveness", kHealth, kProbe, Envelope::kBare,
                         [](Call& call) { call.reply.text("OK"); });
    routes.add_anonymous("/v2/console/health/liveness", kHealth, kProbe, Envelope::kResult, alive);
    routes.add_anonymous("/v3/console/health/liveness", kHealth, kProbe, Envelope::kResult, alive);
    routes.add_anonymous("/v3/admin/core/state/liveness", kHealth, kProbe, Envelope::kResult, alive);

    routes.add_anonymous("/v1/console/health/readiness", kHealth, kProbe, Envelope::kBare, [this](Call& call) {
        const std::string failure = readiness_failure(health_);
        protocol::reply_text(call.reply.take(), failure.empty() ? 200 : 500, failure.empty() ? "OK" : failure);
    });
    const auto ready_or = [this](int status) {
        return [this, status](Call& call) {
            const std::string failure = readiness_failure(health_);
            if (failure.empty()) {
                call.reply.json("\"ok\"");
            } else {
                protocol::reply_result_failure(call.reply.take(), failure, status);
            }
        };
    };
    routes.add_anonymous("/v2/console/health/readiness", kHealth, kProbe, Envelope::kResult, ready_or(500));
    routes.add_anonymous("/v3/console/health/readiness", kHealth, kProbe, Envelope::kResult, ready_or(500));
    // Whoever asks these looks at the code only. The second is where the maintainer client asks (protocol/core.md §9).
    routes.add_anonymous("/v3/admin/core/state/readiness", kHealth, kProbe, Envelope::kResult, ready_or(200));
    routes.add_anonymous("/v3/admin/core/ops/readiness", kHealth, kProbe, Envelope::kResult, ready_or(200));
}

}  // namespace pharos::core
