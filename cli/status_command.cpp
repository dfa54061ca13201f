#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/config_api.hpp"
#include "cli/console.hpp"
#include "cli/json_reader.hpp"
#include "cli/namespace_api.hpp"
#include "cli/naming_api.hpp"
#include "cli/reply_text.hpp"

namespace pharos::cli {

namespace {

namespace json = boost::json;
using sdk::JsonWriter;

struct Capability {
    std::string name;
    std::string state;
    std::string reason;
};

/// What a server says of itself; -1 and empty where it does not.
struct Report {
    std::string where;
    std::string version;
    std::string mode;
    std::vector<std::string> modules;
    std::vector<Capability> capabilities;
    std::int64_t namespaces = -1;
    std::int64_t configs = -1;
    std::int64_t services = -1;
};

/// A list that only this server has, of objects; empty elsewhere.
json::array own_list(Server& server, const std::string& path) {
    const spi::Result<HttpReply> reply = server.get_root(path);
    if (!reply || reply.value().status != 200) {
        return {};
    }
    const spi::Result<json::value> data = data_of(reply.value());
    return data && data.value().is_array() ? data.value().get_array() : json::array();
}

spi::Result<Report> look(Server& server) {
    Report report;
    report.where = server.endpoint().text();
    const spi::Result<json::value> state =
        server.ask({{"GET", "/v3/admin/core/state", {}, {}}, {"GET", "/v1/console/server/state", {}, {}}});
    if (!state) {
        return state.error();
    }
    if (!state.value().is_object()) {
        return unexpected("a server state", state.value());
    }
    report.version = text_of(state.value(), "version");
    report.mode = text_of(state.value(), "startup_mode");
    for (const json::value& plugin : own_list(server, "/plugins")) {
        if (text_of(plugin, "reason").empty()) {  // what is left out stands among the capabilities
            report.modules.push_back(text_of(plugin, "name"));
        }
    }
    for (const json::value& one : own_list(server, "/health")) {
        report.capabilities.push_back({text_of(one, "capability"), text_of(one, "state"), text_of(one, "reason")});
    }
    // A module that is off has no calls: what can't be asked is not counted.
    const spi::Result<std::vector<Namespace>> namespaces = NamespaceApi(server).list();
    if (!namespaces) {
        return report;
    }
    report.namespaces = static_cast<std::int64_t>(namespaces.value().size());
    NamingApi naming(server);
    ConfigApi configs(server);
    const auto add = [](std::int64_t& sum, const spi::Result<std::size_t>& count) {
        sum = count ? std::max<std::int64_t>(sum, 0) + static_cast<std::int64_t>(count.value()) : sum;
    };
    for (const Namespace& one : namespaces.value()) {
        const std::string id = one.id == "public" ? std::string() : one.id;
        add(report.configs, configs.count(id));
        add(report.services, naming.count_services(id));
    }
    return report;
}

std::string text(const Report& report) {
    std::string out;
    const auto line = [&out](const char* head, const std::string& value) { out += head + value + "\n"; };
    line("server:     ", report.where);
    line("version:    ", report.version + (report.mode.empty() ? "" : " (" + report.mode + ")"));
    if (!report.modules.empty()) {
        std::string names;
        for (const std::string& name : report.modules) {
            names += (names.empty() ? "" : ", ") + name;
        }
        line("modules:    ", names);
    }
    for (const auto& [head, count] :
         {std::pair("namespaces: ", report.namespaces), std::pair("configs:    ", report.configs),
          std::pair("services:   ", report.services)}) {
        if (count >= 0) {
            line(head, std::to_string(count));
        }
    }
    for (const Capability& one : report.capabilities) {
        line("health:     ", one.name + " " + one.state + (one.reason.empty() ? "" : ": " + one_line(one.reason, 200)));
    }
    return out;
}

std::string json_text(const Report& report) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("server", report.where).member("version", report.version).member("mode", report.mode);
    json.key("modules").begin_array();
    for (const std::string& name : report.modules) {
        json.value(name);
    }
    json.end_array();
    for (const auto& [name, count] : {std::pair("namespaces", report.namespaces), std::pair("configs", report.configs),
                                      std::pair("services", report.services)}) {
        if (count >= 0) {
            json.member(name, count);
        }
    }
    json.key("health").begin_array();
    for (const Capability& one : report.capabilities) {
        json.begin_object().member("capability", one.name).member("state", one.state);
        json.member("reason", one.reason).end_object();
    }
    json.end_array().end_object();
    return out + "\n";
}

spi::Status status(Commands& commands) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const spi::Result<Report> report = look(server.value());
    if (!report) {
        return report.error();
    }
    print(commands.client().json ? json_text(report.value()) : text(report.value()));
    for (const Capability& one : report.value().capabilities) {
        if (one.state == "failed") {
            return {spi::Code::kUnavailable, report.value().where + ": " + one.name + " has failed: " + one.reason};
        }
    }
    return {};
}

}  // namespace

void add_status_command(Commands& commands) {
    CLI::App& command =
        commands.add(commands.root(), "status", "Shows what a server is, how it is and how much it holds.", "status",
                     [&commands] { return status(commands); });
    commands.take_server(command);
}

}  // namespace pharos::cli
