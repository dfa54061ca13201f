#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/instance_changes.hpp"
#include "cli/metadata_json.hpp"
#include "cli/naming_api.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

constexpr std::chrono::milliseconds kInterval{1000};

void tell(const InstanceChange& change, bool as_json) {
    const std::int64_t time =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    if (!as_json) {
        print(local_time(time) + " " + change.event + " " + change.instance.address() + " " + change.instance.cluster +
              " " + change.what + "\n");
        return;
    }
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("time", time).member("event", change.event);
    json.member("ip", change.instance.ip).member("port", change.instance.port);
    json.member("cluster", change.instance.cluster).member("weight", change.instance.weight);
    json.member("healthy", change.instance.healthy).key("metadata");
    write(json, change.instance.metadata);
    json.end_object();
    print(out + "\n");
}

spi::Status watch(Commands& commands, const std::string& service) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    const ClientOptions& client = commands.client();
    NamingApi api(server.value());
    const ServiceKey key{service, client.group_or_default(), client.wire_namespace()};
    spi::Result<NamingApi::View> view = api.view(key);
    if (!view) {
        return view.error();
    }
    NamingApi::View seen;
    bool reached = true;
    note("watching " + key.text());
    for (;;) {
        // The stamp rises with every change, so an equal one needs no look at the list.
        if (view && (seen.stamp == 0 || view->stamp != seen.stamp)) {
            for (const InstanceChange& change : changes_between(seen.instances, view->instances)) {
                tell(change, client.json);
            }
            seen = std::move(view.value());
            if (const spi::Status status = finish_output(); !status) {
                return status;
            }
        }
        std::this_thread::sleep_for(kInterval);
        view = api.view(key);
        if (!view && reached) {
            note(view.error().message() + "; trying again");
        } else if (view && !reached) {
            note(server.value().endpoint().text() + " answers again");
        }
        reached = view.is_ok();
    }
}

}  // namespace

void add_instance_watch(Commands& commands, CLI::App& instance) {
    const auto service = std::make_shared<std::string>();
    CLI::App& command =
        commands.add(instance, "watch", "Prints what clients see of a service as it changes, until Ctrl-C.",
                     "instance watch orders", [&commands, service] { return watch(commands, *service); });
    command.add_option("SERVICE", *service, "The service.")->required();
    commands.take_namespace(command);
    commands.take_group(command, "Group; DEFAULT_GROUP when not given.");
    commands.take_server(command);
}

}  // namespace pharos::cli
