#include <algorithm>
#include <csignal>
#include <ctime>
#include <memory>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/instance_options.hpp"
#include "cli/metadata_json.hpp"
#include "cli/naming_api.hpp"
#include "cli/number_text.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

/// How long to wait after a beat that did not get through.
constexpr std::chrono::milliseconds kAgain{1000};

struct Arguments {
    std::string service;
    std::string address;
    std::string cluster;
    std::string weight;
    std::vector<std::string> metadata;
    bool persistent = false;
    bool disabled = false;
    bool keep = false;
    bool all_healthy = false;
};

ServiceKey key_of(const ClientOptions& client, const std::string& service) {
    return {service, client.group_or_default(), client.wire_namespace()};
}

spi::Status list(Commands& commands, const Arguments& arguments) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ServiceKey key = key_of(commands.client(), arguments.service);
    const spi::Result<std::vector<Instance>> found = NamingApi(server.value()).instances(key);
    if (!found) {
        return found.error();
    }
    const auto wanted = [&](const Instance& instance) {
        return (arguments.cluster.empty() || instance.cluster == arguments.cluster) &&
               (!arguments.all_healthy || (instance.healthy && instance.enabled));
    };
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_array();
        for (const Instance& instance : found.value()) {
            if (wanted(instance)) {
                json.begin_object().member("ip", instance.ip).member("port", instance.port);
                json.member("cluster", instance.cluster).member("weight", instance.weight);
                json.member("healthy", instance.healthy).member("enabled", instance.enabled);
                json.member("ephemeral", instance.ephemeral).key("metadata");
                write(json, instance.metadata);
                json.end_object();
            }
        }
        json.end_array();
        print(out + "\n");
        return {};
    }
    Table table({"ADDRESS", "CLUSTER", "HEALTHY", "ENABLED", "WEIGHT", "KIND", "METADATA"});
    for (const Instance& instance : found.value()) {
        if (wanted(instance)) {
            table.add({instance.address(), instance.cluster, instance.healthy ? "yes" : "no",
                       instance.enabled ? "yes" : "no", number_text(instance.weight),
                       instance.ephemeral ? "ephemeral" : "persistent", to_text(instance.metadata)});
        }
    }
    print(table, "no instances");
    return {};
}

spi::Result<NewInstance> instance_of(const Arguments& arguments) {
    spi::Result<std::pair<std::string, std::string>> address = parse_address(arguments.address);
    if (!address) {
        return address.error();
    }
    spi::Result<std::string> metadata = metadata_json(arguments.metadata);
    if (!metadata) {
        return metadata.error();
    }
    return NewInstance{.ip = std::move(address->first),
                       .port = std::move(address->second),
                       .cluster = arguments.cluster,
                       .weight = arguments.weight,
                       .metadata = arguments.metadata.empty() ? std::string() : std::move(metadata.value()),
                       .ephemeral = !arguments.persistent,
                       .enabled = !arguments.disabled};
}

/// Beats until SIGINT or SIGTERM comes, then takes the instance away again. The signals are blocked and waited for, so
/// that nothing is cut off in the middle.
spi::Status keep_alive(NamingApi& api, const ServiceKey& key, const NewInstance& instance, const sigset_t& signals,
                       std::chrono::milliseconds interval) {
    bool reached = true;
    std::chrono::milliseconds pause = interval;
    for (;;) {
        const timespec time{static_cast<std::time_t>(pause.count() / 1000),
                            static_cast<long>(pause.count() % 1000 * 1'000'000)};
        if (sigtimedwait(&signals, nullptr, &time) > 0) {
            break;
        }
        spi::Result<std::chrono::milliseconds> next = api.beat(key, instance);
        spi::Status status = next ? spi::Status() : next.error();
        if (status.code() == spi::Code::kNotFound) {
            status = api.register_instance(key, instance);
            note(status ? "the server did not know the instance any more; registered again" : status.message());
        }
        if (status && !reached) {
            note("the server answers again");
        } else if (!status && reached) {
            note(status.message() + "; trying again");
        }
        reached = status.is_ok();
        // The server may know of a faster rhythm than the metadata says, or of none.
        pause = !reached ? std::min(kAgain, interval) : next ? std::min(next.value(), interval) : interval;
    }
    if (const spi::Status status = api.deregister_instance(key, instance); !status) {
        return status;
    }
    note("deregistered " + instance.ip + ":" + instance.port);
    return {};
}

spi::Status register_one(Commands& commands, const Arguments& arguments) {
    const spi::Result<NewInstance> instance = instance_of(arguments);
    if (!instance) {
        return instance.error();
    }
    if (arguments.persistent && arguments.keep) {
        return {spi::Code::kInvalidArgument, "a persistent instance needs no beats: leave --keep or --persistent out"};
    }
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (arguments.keep) {
        sigprocmask(SIG_BLOCK, &signals, nullptr);
    }
    NamingApi api(server.value());
    const ServiceKey key = key_of(commands.client(), arguments.service);
    if (const spi::Status status = api.register_instance(key, instance.value()); !status) {
        return status;
    }
    const Lifetime lifetime = lifetime_of(arguments.metadata);
    const std::string who = arguments.address + " in " + key.text();
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_object().member("service", key.name).member("group", key.group);
        json.member("ip", instance.value().ip).member("port", instance.value().port);
        json.member("ephemeral", instance.value().ephemeral);
        json.member("unhealthyAfterMs", arguments.persistent ? 0 : lifetime.unhealthy_after.count());
        json.member("removedAfterMs", arguments.persistent ? 0 : lifetime.removed_after.count()).end_object();
        print(out + "\n");
    } else if (arguments.persistent) {
        note("registered " + who + "; it stays until it is deregistered");
    } else if (arguments.keep) {
        note("registered " + who + "; beating every " + in_words(lifetime.beat_interval) + ", Ctrl-C takes it away");
    } else {
        note("registered " + who + "; without beats it is unhealthy after " + in_words(lifetime.unhealthy_after) +
             " and gone after " + in_words(lifetime.removed_after) + " (--keep goes on beating)");
    }
    if (const spi::Status status = finish_output(); !status) {
        return status;
    }
    return arguments.keep ? keep_alive(api, key, instance.value(), signals, lifetime.beat_interval) : spi::Status();
}

spi::Status deregister_one(Commands& commands, const Arguments& arguments) {
    const spi::Result<NewInstance> given = instance_of(arguments);
    if (!given) {
        return given.error();
    }
    NewInstance instance = given.value();
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    NamingApi api(server.value());
    const ServiceKey key = key_of(commands.client(), arguments.service);
    // Servers say ok to the removal of what never was; and they want to know which kind it is.
    const spi::Result<std::vector<Instance>> found = api.instances(key);
    if (!found) {
        return found.error();
    }
    bool is_there = false;
    for (const Instance& one : found.value()) {
        if (one.ip == instance.ip && std::to_string(one.port) == instance.port &&
            (instance.cluster.empty() || instance.cluster == one.cluster)) {
            is_there = true;
            instance.ephemeral = one.ephemeral;
            instance.cluster = one.cluster;
        }
    }
    if (!is_there) {
        return {spi::Code::kNotFound,
                server.value().endpoint().text() + ": " + key.text() + " has no instance " + arguments.address};
    }
    if (const spi::Status status = api.deregister_instance(key, instance); !status) {
        return status;
    }
    if (commands.client().json) {
        std::string out;
        JsonWriter json(out);
        json.begin_object().member("service", key.name).member("group", key.group);
        json.member("ip", instance.ip).member("port", instance.port).end_object();
        print(out + "\n");
    } else {
        note("deregistered " + arguments.address + " from " + key.text());
    }
    return {};
}

}  // namespace

void add_instance_commands(Commands& commands) {
    CLI::App& group = commands.add_group("instance", "Lists, registers and follows instances of services.");
    const auto take_all = [&commands](CLI::App& command) {
        commands.take_namespace(command);
        commands.take_group(command, "Group; DEFAULT_GROUP when not given.");
        commands.take_server(command);
    };

    const auto arguments = std::make_shared<Arguments>();
    CLI::App& ls_command =
        commands.add(group, "ls", "Lists the instances of a service.", "instance ls orders --healthy",
                     [&commands, arguments] { return list(commands, *arguments); });
    ls_command.add_option("SERVICE", arguments->service, "The service.")->required();
    ls_command.add_option("--cluster", arguments->cluster, "Only those of this cluster.");
    ls_command.add_flag("--healthy", arguments->all_healthy, "Only those that are healthy and enabled.");
    take_all(ls_command);

    CLI::App& register_command = commands.add(group, "register", "Registers an instance.",
                                              "instance register orders 10.0.0.1:8080 --meta version=2 --keep",
                                              [&commands, arguments] { return register_one(commands, *arguments); });
    register_command.add_option("SERVICE", arguments->service, "The service.")->required();
    register_command.add_option("ADDRESS", arguments->address, "IP:PORT, or [IPV6]:PORT.")->required();
    register_command.add_option("--cluster", arguments->cluster, "Cluster.")->default_str("DEFAULT");
    register_command.add_option("--weight", arguments->weight, "Weight, 0 to 10000.")
        ->default_str("1")
        ->check(CLI::Range(0.0, 10000.0));
    register_command.add_option("--meta", arguments->metadata, "Metadata; may be repeated.")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    register_command.add_flag("--disabled", arguments->disabled, "Registers it without offering it to clients.");
    register_command.add_flag("--persistent", arguments->persistent,
                              "It stays without beats until it is deregistered.");
    register_command.add_flag("--keep", arguments->keep, "Goes on beating until Ctrl-C, then deregisters it.");
    take_all(register_command);

    CLI::App& deregister_command =
        commands.add(group, "deregister", "Takes an instance away.", "instance deregister orders 10.0.0.1:8080",
                     [&commands, arguments] { return deregister_one(commands, *arguments); });
    deregister_command.add_option("SERVICE", arguments->service, "The service.")->required();
    deregister_command.add_option("ADDRESS", arguments->address, "IP:PORT, or [IPV6]:PORT.")->required();
    deregister_command.add_option("--cluster", arguments->cluster, "Its cluster, when several have the address.");
    take_all(deregister_command);

    add_instance_watch(commands, group);
}

}  // namespace pharos::cli
