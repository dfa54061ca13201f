#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include <pharos/sdk/json_writer.hpp>

#include "cli/commands.hpp"
#include "cli/config_api.hpp"
#include "cli/console.hpp"
#include "cli/diff.hpp"
#include "cli/process.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

constexpr std::chrono::milliseconds kPoll{30000};
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::milliseconds kLongestPause{10000};

struct Arguments {
    std::vector<std::string> data_ids;
    std::string command;
};

/// A config as it was when it was looked at last.
struct Seen {
    ConfigKey key;
    Config config;
    bool exists = false;
};

class ConfigWatch {
public:
    ConfigWatch(Server& server, const Arguments& arguments, bool as_json)
        : api_(server), arguments_(arguments), as_json_(as_json), where_(server.endpoint().text()) {}

    spi::Status run(const ClientOptions& client) {
        for (const std::string& data_id : arguments_.data_ids) {
            seen_.push_back({{data_id, client.group_or_default(), client.wire_namespace()}, {}, false});
            if (const spi::Status status = look(seen_.back()); !status) {
                return status;
            }
            note("watching " + seen_.back().key.text() +
                 (seen_.back().exists ? ", md5 " + seen_.back().config.md5 : ", which is not there yet"));
        }
        std::chrono::milliseconds pause = kFirstPause;
        bool connected = true;
        for (bool first = true;; first = false) {
            const spi::Status status = wait_once();
            if (status) {
                if (!connected) {
                    note(where_ + " answers again");
                }
                connected = true;
                pause = kFirstPause;
                continue;
            }
            const bool may_pass = status.code() == spi::Code::kUnavailable || status.code() == spi::Code::kTimeout;
            if (first && !may_pass) {
                return status;  // a server that does not do this at all
            }
            // A server that restarts is waited for: what changes meanwhile is seen by the MD5 afterwards.
            if (connected) {
                note(status.message() + "; trying again");
            }
            connected = false;
            std::this_thread::sleep_for(pause);
            pause = std::min(pause * 2, kLongestPause);
        }
    }

private:
    spi::Status look(Seen& seen) {
        spi::Result<Config> found = api_.get(seen.key);
        if (!found && found.error().code() != spi::Code::kNotFound) {
            return found.error();
        }
        seen.exists = found.is_ok();
        seen.config = found ? std::move(found.value()) : Config{};
        return {};
    }

    spi::Status wait_once() {
        std::vector<ConfigApi::Watched> watched;
        for (const Seen& one : seen_) {
            watched.push_back({one.key, one.config.md5});
        }
        const spi::Result<std::vector<std::size_t>> changed = api_.wait(watched, kPoll);
        if (!changed) {
            return changed.error();
        }
        bool told = changed.value().empty();
        for (const std::size_t index : changed.value()) {
            const Seen before = seen_[index];
            if (const spi::Status status = look(seen_[index]); !status) {
                seen_[index] = before;
                return status;
            }
            // The server also wakes up for changes that this client does not see (`protocol/config.md §2.4`).
            if (before.exists != seen_[index].exists || before.config.md5 != seen_[index].config.md5) {
                tell(before, seen_[index]);
                told = true;
            }
        }
        if (!told) {
            // Not as fast as the server can answer, should it go on like this.
            std::this_thread::sleep_for(kFirstPause);
        }
        return {};
    }

    void tell(const Seen& before, const Seen& now) {
        const char* event = !before.exists ? "created" : now.exists ? "changed" : "removed";
        const std::int64_t time =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                .count();
        if (as_json_) {
            std::string out;
            JsonWriter json(out);
            json.begin_object().member("time", time).member("event", event).member("dataId", now.key.data_id);
            json.member("group", now.key.group);
            json.member("namespace", now.key.namespace_id.empty() ? "public" : now.key.namespace_id);
            json.member("type", now.config.type).member("md5", now.config.md5);
            json.member("content", now.config.content).end_object();
            print(out + "\n");
        } else {
            print(local_time(time) + " " + event + " " + now.key.data_id + " " + now.key.group + " " +
                  (now.exists ? now.config.md5 : "-") + "\n");
            if (arguments_.command.empty()) {
                print_diff(unified_diff(before.config.content, now.config.content, now.key.data_id + " before",
                                        now.key.data_id + " " + event));
            }
        }
        // Whoever reads from a pipe wants each change when it happens.
        if (const spi::Status status = finish_output(); !status) {
            note("pharos: " + status.message());
            std::_Exit(1);
        }
        if (!arguments_.command.empty()) {
            const spi::Result<int> code = run_shell(arguments_.command, now.config.content,
                                                    {{"PHAROS_EVENT", event},
                                                     {"PHAROS_DATA_ID", now.key.data_id},
                                                     {"PHAROS_GROUP", now.key.group},
                                                     {"PHAROS_NAMESPACE", now.key.namespace_id},
                                                     {"PHAROS_MD5", now.config.md5}});
            if (!code || code.value() != 0) {
                note("--exec: " +
                     (code ? "the command ended with " + std::to_string(code.value()) : code.error().message()));
            }
        }
    }

    ConfigApi api_;
    const Arguments& arguments_;
    const bool as_json_;
    const std::string where_;
    std::vector<Seen> seen_;
};

spi::Status watch(Commands& commands, const Arguments& arguments) {
    spi::Result<Server> server = commands.connect();
    if (!server) {
        return server.error();
    }
    return ConfigWatch(server.value(), arguments, commands.client().json).run(commands.client());
}

}  // namespace

void add_config_watch(Commands& commands, CLI::App& config) {
    const auto arguments = std::make_shared<Arguments>();
    CLI::App& command = commands.add(config, "watch", "Prints changes of configs as they come, until Ctrl-C.",
                                     "config watch app.yaml --exec 'cat > app.yaml && systemctl reload app'",
                                     [&commands, arguments] { return watch(commands, *arguments); });
    command.add_option("DATA_ID", arguments->data_ids, "The configs.")->required();
    command
        .add_option("--exec", arguments->command,
                    "Runs this in a shell at each change: the new content on standard input, PHAROS_EVENT (created, "
                    "changed, removed), PHAROS_DATA_ID, PHAROS_GROUP, PHAROS_NAMESPACE and PHAROS_MD5 set.")
        ->type_name("COMMAND");
    commands.take_namespace(command);
    commands.take_group(command, "Group; DEFAULT_GROUP when not given.");
    commands.take_server(command);
}

}  // namespace pharos::cli
