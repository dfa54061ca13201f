#include "loader.hpp"

#include <algorithm>
#include <utility>

#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::core {

namespace {

using sdk::JsonWriter;

constexpr std::string_view kAppLabel = "app_";

void write_labels(JsonWriter& json, const spi::ConnectionInfo& connection) {
    json.begin_object();
    for (const auto& [name, value] : connection.labels) {
        json.member(name, value);
    }
    json.end_object();
}

/// Labels of the application, without their prefix.
void write_app_labels(JsonWriter& json, const spi::ConnectionInfo& connection) {
    json.begin_object();
    for (const auto& [name, value] : connection.labels) {
        if (name.starts_with(kAppLabel)) {
            json.member(std::string_view(name).substr(kAppLabel.size()), value);
        }
    }
    json.end_object();
}

}  // namespace

bool is_sdk(const spi::ConnectionInfo& connection) { return connection.label("source") == "sdk"; }

std::string connection_json(const spi::ConnectionInfo& connection, std::int64_t last_active_ms) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("metaInfo").begin_object().member("connectType", "GRPC");
    json.member("clientIp", connection.client_ip).member("remoteIp", connection.remote_ip);
    json.member("remotePort", connection.remote_port).member("localPort", connection.local_port);
    json.member("version", connection.client_version).member("connectionId", connection.id);
    json.member("createTime", protocol::iso_time(connection.created_ms)).member("lastActiveTime", last_active_ms);
    json.member("appName", connection.app_name).member("namespaceId", connection.namespace_id).key("labels");
    write_labels(json, connection);
    json.member("tlsProtected", false).key("tag");
    if (const std::string_view tag = connection.label("Vipserver-Tag"); !tag.empty()) {
        json.value(tag);
    } else {
        json.null();
    }
    json.key("appLabels");
    write_app_labels(json, connection);
    json.member("clusterSource", connection.label("source") == "cluster").member("sdkSource", is_sdk(connection));
    json.end_object().member("traced", false).key("abilityTable");
    if (connection.has_ability_table) {
        json.begin_object();
        for (const auto& [key, supported] : connection.abilities) {
            json.member(key, supported);
        }
        json.end_object();
    } else {
        json.null();
    }
    json.member("connected", true).key("labels");
    write_labels(json, connection);
    json.key("appLabels");
    write_app_labels(json, connection);
    json.end_object();
    return out;
}

std::string reset_members(const spi::ConnectionInfo& connection, std::string_view redirect) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    if (!redirect.empty()) {
        const std::size_t colon = redirect.rfind(':');
        const bool has_port = colon != std::string_view::npos && redirect.find(']', colon) == std::string_view::npos;
        json.member("serverIp", has_port ? redirect.substr(0, colon) : redirect);
        if (has_port) {
            json.member("serverPort", redirect.substr(colon + 1));
        }
    }
    json.member("connectionId", connection.id).member("module", "internal").end_object();
    return out.substr(1);  // the kernel has written the beginning of the object
}

LoadSummary summarise(const std::vector<ServerLoad>& servers) {
    LoadSummary sum;
    if (servers.empty()) {
        return sum;
    }
    sum.min = servers.front().sdk_connections;
    for (const ServerLoad& server : servers) {
        sum.max = std::max(sum.max, server.sdk_connections);
        sum.min = std::min(sum.min, server.sdk_connections);
        sum.total += server.sdk_connections;
    }
    sum.average = sum.total / servers.size();
    return sum;
}

std::vector<LoadMove> plan_moves(const std::vector<ServerLoad>& servers, double factor) {
    const auto average = static_cast<double>(summarise(servers).average);
    const auto over = static_cast<std::size_t>(average * (1 + factor));
    const auto low = static_cast<std::size_t>(std::max(0.0, average * (1 - factor)));
    std::vector<const ServerLoad*> full;
    std::vector<const ServerLoad*> empty;
    for (const ServerLoad& server : servers) {
        if (server.sdk_connections > over) {
            full.push_back(&server);
        } else if (server.sdk_connections < low) {
            empty.push_back(&server);
        }
    }
    const auto fewer = [](const ServerLoad* a, const ServerLoad* b) { return a->sdk_connections < b->sdk_connections; };
    std::stable_sort(full.rbegin(), full.rend(), fewer);
    std::stable_sort(empty.begin(), empty.end(), fewer);
    std::vector<LoadMove> moves;
    for (std::size_t i = 0; i < std::min(full.size(), empty.size()); ++i) {
        moves.push_back({full[i]->address, empty[i]->address, over});
    }
    return moves;
}

std::size_t Loader::shed_to(std::size_t keep, std::string_view redirect) {
    std::vector<spi::ConnectionPtr> sdk = connections_.list();
    std::erase_if(sdk, [](const spi::ConnectionPtr& connection) { return !is_sdk(*connection); });
    if (sdk.size() <= keep) {
        return 0;
    }
    std::sort(sdk.begin(), sdk.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
    sdk.resize(sdk.size() - keep);
    for (const spi::ConnectionPtr& connection : sdk) {
        reset(connection, redirect);
    }
    log_.info("clients asked to connect anew", spi::kv("connections", sdk.size()), spi::kv("keep", keep),
              spi::kv("redirect", redirect));
    return sdk.size();
}

bool Loader::reset(std::string_view connection_id, std::string_view redirect) {
    const std::vector<spi::ConnectionPtr> all = connections_.list();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const spi::ConnectionPtr& one) { return one->id == connection_id; });
    if (found == all.end()) {
        return false;
    }
    reset(*found, redirect);
    log_.info("client asked to connect anew", spi::kv("connection", connection_id), spi::kv("redirect", redirect));
    return true;
}

void Loader::reset(const spi::ConnectionPtr& connection, std::string_view redirect) {
    const std::string members = reset_members(*connection, redirect);
    const spi::Piece pieces[] = {members};
    // Whether it goes is the client's affair: one that does not keeps its connection.
    connections_.push(connection->number, {.type = "ConnectResetRequest", .members = pieces}, [](spi::Result<bool>) {});
}

}  // namespace pharos::core
