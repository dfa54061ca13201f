#include <memory>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/metadata_json.hpp"
#include "cli/naming_api.hpp"
#include "cli/number_text.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

std::string count_text(std::int64_t count) { return count < 0 ? "-" : std::to_string(count); }

spi::Status list(Commands& commands, const std::string& pattern) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ClientOptions& client = commands.client();
    const spi::Result<std::vector<ServiceRow>> rows =
        NamingApi(server.value()).services(client.wire_namespace(), pattern, client.group);
    if (!rows) {
        return rows.error();
    }
    if (client.json) {
        std::string out;
        JsonWriter json(out);
        json.begin_array();
        for (const ServiceRow& row : rows.value()) {
            json.begin_object().member("service", row.name).member("group", row.group);
            if (row.instances >= 0) {
                json.member("clusters", row.clusters).member("instances", row.instances).member("healthy", row.healthy);
            }
            json.end_object();
        }
        json.end_array();
        print(out + "\n");
        return {};
    }
    Table table({"SERVICE", "GROUP", "CLUSTERS", "INSTANCES", "HEALTHY"});
    for (const ServiceRow& row : rows.value()) {
        table.add({row.name, row.group, count_text(row.clusters), count_text(row.instances), count_text(row.healthy)});
    }
    print(table, "no service matches");
    return {};
}

spi::Status show(Commands& commands, const std::string& name) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ClientOptions& client = commands.client();
    NamingApi api(server.value());
    const ServiceKey key{name, client.group_or_default(), client.wire_namespace()};
    const spi::Result<Service> service = api.service(key);
    if (!service) {
        const bool missing = service.error().code() == spi::Code::kNotFound;
        return {service.error().code(),
                service.error().message() + (missing ? "; 'pharos service ls' lists what is there" : "")};
    }
    const spi::Result<std::vector<Instance>> instances = api.instances(key);
    if (!instances) {
        return instances.error();
    }
    const Service& found = service.value();
    std::int64_t healthy = 0;
    for (const Instance& instance : instances.value()) {
        healthy += instance.healthy;
    }
    const std::string kind = !found.knows_lifetime ? "" : found.ephemeral ? "ephemeral" : "persistent";
    std::string clusters;
    for (const std::string& cluster : found.clusters) {
        clusters += (clusters.empty() ? "" : ", ") + cluster;
    }
    std::string out;
    if (client.json) {
        JsonWriter json(out);
        json.begin_object().member("service", name).member("group", key.group);
        json.member("namespace", key.namespace_id.empty() ? "public" : key.namespace_id);
        json.member("kind", kind).member("protectThreshold", found.protect_threshold);
        json.member("selector", found.selector).key("metadata");
        write(json, found.metadata);
        json.key("clusters").begin_array();
        for (const std::string& cluster : found.clusters) {
            json.value(cluster);
        }
        json.end_array().member("instances", instances.value().size()).member("healthy", healthy).end_object();
        print(out + "\n");
        return {};
    }
    const auto line = [&out](const char* head, const std::string& text) {
        out += std::string(head) + (text.empty() ? "-" : text) + "\n";
    };
    line("service:           ", name);
    line("group:             ", key.group);
    line("namespace:         ", key.namespace_id.empty() ? "public" : key.namespace_id);
    line("kind:              ", kind);
    line("protect threshold: ", number_text(found.protect_threshold));
    line("selector:          ", found.selector);
    line("metadata:          ", to_text(found.metadata));
    line("clusters:          ", clusters);
    line("instances:         ", std::to_string(instances.value().size()) + ", " + std::to_string(healthy) + " healthy");
    print(out);
    return {};
}

}  // namespace

void add_service_commands(Commands& commands) {
    CLI::App& service = commands.add_group("service", "Looks at services.");

    const auto pattern = std::make_shared<std::string>();
    CLI::App& ls_command =
        commands.add(service, "ls", "Lists services with the numbers of their instances.", "service ls 'order*'",
                     [&commands, pattern] { return list(commands, *pattern); });
    ls_command.add_option("PATTERN", *pattern, "Only those whose name matches; * stands for anything.");
    commands.take_namespace(ls_command);
    commands.take_group(ls_command, "Only those whose group matches; * stands for anything.");
    commands.take_server(ls_command);

    const auto name = std::make_shared<std::string>();
    CLI::App& show_command = commands.add(service, "show", "Shows what is known about a service.",
                                          "service show orders", [&commands, name] { return show(commands, *name); });
    show_command.add_option("SERVICE", *name, "The service.")->required();
    commands.take_namespace(show_command);
    commands.take_group(show_command, "Group; DEFAULT_GROUP when not given.");
    commands.take_server(show_command);
}

}  // namespace pharos::cli
