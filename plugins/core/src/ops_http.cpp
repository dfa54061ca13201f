#include "ops_http.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pharos::core {

namespace {

using protocol::ErrorCode;
using spi::HttpMethod;

constexpr std::string_view kResource = "console/ops";
constexpr std::array<std::string_view, 7> kRaftCommands{
    "transferLeader", "resetRaftCluster", "doSnapshot", "removePeer", "removePeers", "changePeers", "resetPeers"};
/// The original's loggers of its core are spread over these parts of the node.
constexpr std::array<std::string_view, 4> kCoreParts{"core", "kernel", "lookup", "rpc"};

}  // namespace

std::vector<std::string> logs_of(std::string_view logger, const std::vector<std::string>& parts) {
    if (protocol::equals_ignoring_case(logger, "root")) {
        return {""};
    }
    const std::string_view family = logger.substr(0, logger.find('-'));
    std::vector<std::string> found;
    for (const std::string& part : parts) {
        const bool of_core = std::find(kCoreParts.begin(), kCoreParts.end(), part) != kCoreParts.end();
        if (family == "core" ? of_core : part == logger) {
            found.push_back(part);
        }
    }
    if (found.empty() && std::find(parts.begin(), parts.end(), family) != parts.end()) {
        found.emplace_back(family);
    }
    return found;
}

std::optional<spi::LogLevel> log_level_of(std::string_view name) {
    using enum spi::LogLevel;
    struct Known {
        std::string_view name;
        spi::LogLevel level;
    };
    constexpr std::array<Known, 7> kKnown{{{"debug", kDebug},
                                           {"info", kInfo},
                                           {"warn", kWarn},
                                           {"error", kError},
                                           {"trace", kDebug},
                                           {"all", kDebug},
                                           {"warning", kWarn}}};
    const auto found = std::find_if(kKnown.begin(), kKnown.end(), [name](const Known& known) {
        return protocol::equals_ignoring_case(known.name, name);
    });
    return found == kKnown.end() ? std::nullopt : std::optional(found->level);
}

void OpsCalls::add_to(CallRoutes& routes) {
    const auto raft_call = [this](Call& call) { raft(call); };
    routes.add(HttpMethod::kPost, "/v1/core/ops/raft", kResource, Envelope::kRest, raft_call);
    routes.add(HttpMethod::kPost, "/v2/core/ops/raft", kResource, Envelope::kRest, raft_call);
    routes.add(HttpMethod::kPost, "/v3/admin/core/ops/raft", kResource, Envelope::kResult, raft_call);

    // Nothing here counts ids up: revisions are the store's, and other ids are random.
    routes.add(HttpMethod::kGet, "/v1/core/ops/idInfo", kResource, Envelope::kRest,
               [](Call& call) { call.reply.json("{}"); });
    routes.add(HttpMethod::kGet, "/v2/core/ops/ids", kResource, Envelope::kResult,
               [](Call& call) { call.reply.json("[]"); });
    routes.add(HttpMethod::kGet, "/v3/admin/core/ops/ids", kResource, Envelope::kResult,
               [](Call& call) { call.reply.json("[]"); });

    const auto log_call = [this](Call& call) { set_level(call); };
    routes.add(HttpMethod::kPut, "/v1/core/ops/log", kResource, Envelope::kBare, log_call);
    routes.add(HttpMethod::kPut, "/v2/core/ops/log", kResource, Envelope::kResult, log_call);
    routes.add(HttpMethod::kPut, "/v3/admin/core/ops/log", kResource, Envelope::kResult, log_call);
}

void OpsCalls::raft(Call& call) const {
    if (!call.read_body()) {
        return;
    }
    const bool v3 = call.reply.envelope() == Envelope::kResult;
    const std::string command(call.member("command"));
    if (command.empty()) {
        call.reply.fail(400, ErrorCode::kParameterMissing, "required parameter 'command' is missing");
    } else if (std::find(kRaftCommands.begin(), kRaftCommands.end(), command) == kRaftCommands.end()) {
        call.reply.fail(v3 ? 400 : 500, ErrorCode::kParameterValidateError, "Not support command : " + command);
    } else {
        call.reply.fail(v3 ? 400 : 500, ErrorCode::kIllegalState,
                        "This node keeps its data alone: there is no raft group for '" + command + "'.");
    }
}

void OpsCalls::set_level(Call& call) {
    if (!call.read_body()) {
        return;
    }
    const std::string name(call.member("logName"));
    const std::string_view text = call.member("logLevel");
    if (name.empty() || text.empty()) {
        call.reply.fail(400, ErrorCode::kParameterMissing,
                        "required parameter '" + std::string(name.empty() ? "logName" : "logLevel") + "' is missing");
        return;
    }
    const std::optional<spi::LogLevel> level = log_level_of(text);
    if (!level) {
        call.reply.fail(400, ErrorCode::kParameterValidateError,
                        "logLevel '" + std::string(text) + "' is none of debug, info, warn, error");
        return;
    }
    const std::vector<std::string> parts = levels_.parts();
    const std::vector<std::string> logs = logs_of(name, parts);
    if (logs.empty()) {
        std::string known = "root";
        for (const std::string& part : parts) {
            known += ", " + part;
        }
        call.reply.fail(400, ErrorCode::kParameterValidateError,
                        "logName '" + name + "' is not a log of this node; there are: " + known);
        return;
    }
    for (const std::string& log : logs) {
        // One that has gone since the list was made is no failure: logs are only ever added.
        static_cast<void>(levels_.set_level(log, *level));
    }
    if (call.reply.envelope() == Envelope::kBare) {
        call.reply.text("200");
    } else {
        call.reply.json("null");
    }
}

}  // namespace pharos::core
