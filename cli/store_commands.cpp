#include <memory>

#include <pharos/sdk/json_writer.hpp>
#include <pharos/spi/store_tools.hpp>

#include "app/node.hpp"
#include "app/options.hpp"
#include "cli/cli.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"

namespace pharos::cli {

namespace {

using sdk::JsonWriter;

struct Arguments {
    std::string file;
    std::string data;
    std::string config;
    bool force = false;
};

/// A node that is loaded and never started, for the tools that its storage plugin provides.
class StoreWork {
public:
    spi::Status load(const Arguments& arguments) {
        app::ServerOptions options;
        options.config_file = arguments.config;
        // The storage is of the base, a log is the server's, and no request is under way that a stop could wait for.
        for (const auto& [key, value] : {std::pair("plugins.modules", ""), std::pair("log.level", "error"),
                                         std::pair("log.file", ""), std::pair("server.stop_grace", "0s")}) {
            options.overrides.push_back({key, value, "--set"});
        }
        if (!arguments.data.empty()) {
            options.overrides.push_back({"server.data_dir", arguments.data, "--data"});
        }
        clear_client_variables();
        if (const spi::Status status = node_.load(options); !status) {
            return {spi::Code::kUnavailable, status.message()};
        }
        tools_ = static_cast<spi::StoreTools*>(node_.find(spi::StoreTools::kInterface));
        if (tools_ == nullptr) {
            return {spi::Code::kUnavailable,
                    "no plugin of plugins.base offers " + std::string(spi::StoreTools::kInterface)};
        }
        return {};
    }

    [[nodiscard]] spi::StoreTools& tools() noexcept { return *tools_; }
    [[nodiscard]] const std::string& data_dir() const noexcept { return node_.data_dir(); }

private:
    app::Node node_;
    spi::StoreTools* tools_ = nullptr;
};

/// A file that is no store is not a mistake in the command's words.
spi::Status as_refusal(const spi::Status& status) {
    return {status.code() == spi::Code::kInvalidArgument ? spi::Code::kInternal : status.code(), status.message()};
}

void write(JsonWriter& json, const spi::StoreReport& report) {
    json.member("file", report.file).member("format", report.format).member("revision", report.revision);
    json.member("fileBytes", report.file_bytes).member("pages", report.pages).key("tables").begin_array();
    for (const spi::StoreTableReport& table : report.tables) {
        json.begin_object().member("name", table.name).member("entries", table.entries);
        json.member("bytes", table.bytes).end_object();
    }
    json.end_array().member("whole", report.is_whole()).member("problemCount", report.problem_count);
    json.key("problems").begin_array();
    for (const std::string& problem : report.problems) {
        json.value(problem);
    }
    json.end_array();
}

/// What there is on standard output, and a failure when it is damaged.
spi::Status tell(const spi::StoreReport& report, bool as_json, const char* what, const std::string& kept = {}) {
    std::string out;
    if (as_json) {
        JsonWriter json(out);
        json.begin_object();
        write(json, report);
        json.member("kept", kept).end_object();
        out += '\n';
    } else {
        out = std::string(what) + report.file + "\nformat:   " + std::to_string(report.format) +
              "\nrevision: " + std::to_string(report.revision) + "\nbytes:    " + std::to_string(report.file_bytes) +
              "\npages:    " + std::to_string(report.pages) + "\n";
        for (const spi::StoreTableReport& table : report.tables) {
            out += "table:    " + table.name + ", " + std::to_string(table.entries) + " entries, " +
                   std::to_string(table.bytes) + " bytes\n";
        }
        out += kept.empty() ? "" : "kept:     " + kept + "\n";
        for (const std::string& problem : report.problems) {
            out += "problem:  " + problem + "\n";
        }
    }
    print(out);
    if (!report.is_whole()) {
        return {spi::Code::kInternal, report.file + " is damaged: " + std::to_string(report.problem_count) +
                                          " problems; restore a backup with 'pharos store restore'"};
    }
    return {};
}

spi::Status backup(Commands& commands, const Arguments& arguments) {
    StoreWork work;
    if (const spi::Status status = work.load(arguments); !status) {
        return status;
    }
    const spi::Result<spi::StoreReport> report = work.tools().backup(work.data_dir(), arguments.file);
    return report ? tell(report.value(), commands.client().json, "backup:   ") : as_refusal(report.error());
}

spi::Status verify(Commands& commands, const Arguments& arguments) {
    if (!arguments.file.empty() && !arguments.data.empty()) {
        return {spi::Code::kInvalidArgument, "name a FILE or a data directory, not both"};
    }
    StoreWork work;
    if (const spi::Status status = work.load(arguments); !status) {
        return status;
    }
    const spi::Result<spi::StoreReport> report =
        work.tools().verify(arguments.file.empty() ? work.data_dir() : arguments.file);
    return report ? tell(report.value(), commands.client().json, "store:    ") : as_refusal(report.error());
}

spi::Status restore(Commands& commands, const Arguments& arguments) {
    StoreWork work;
    if (const spi::Status status = work.load(arguments); !status) {
        return status;
    }
    const spi::Result<spi::StoreRestored> restored =
        work.tools().restore(arguments.file, work.data_dir(), arguments.force);
    if (!restored) {
        return as_refusal(restored.error());
    }
    return tell(restored.value().report, commands.client().json, "restored: ", restored.value().kept);
}

}  // namespace

void add_store_commands(Commands& commands) {
    CLI::App& store =
        commands.add_group("store", "Saves, checks and restores what a server keeps, on its own machine.");
    const auto arguments = std::make_shared<Arguments>();
    const auto take_all = [&commands, arguments](CLI::App& command) {
        command.add_option("--data", arguments->data, "Data directory; the server's own default when not given.")
            ->type_name("DIR");
        command.add_option("--config", arguments->config, "TOML file with the server's settings.")
            ->type_name("FILE")
            ->check(CLI::ExistingFile);
        commands.take_json(command);
    };

    CLI::App& backup_command =
        commands.add(store, "backup", "Writes the store into a new file; the server may run meanwhile.",
                     "store backup /backup/pharos.db --data /var/lib/pharos",
                     [&commands, arguments] { return backup(commands, *arguments); });
    backup_command.add_option("FILE", arguments->file, "File to make.")->required();
    take_all(backup_command);

    CLI::App& verify_command = commands.add(
        store, "verify", "Reads every page and entry of the store, or of a backup, and says what is damaged.",
        "store verify /backup/pharos.db", [&commands, arguments] { return verify(commands, *arguments); });
    verify_command.add_option("FILE", arguments->file, "A backup; the data directory's store when not given.");
    take_all(verify_command);

    CLI::App& restore_command =
        commands.add(store, "restore", "Puts a backup in the place of the store of a stopped server.",
                     "store restore /backup/pharos.db --data /var/lib/pharos",
                     [&commands, arguments] { return restore(commands, *arguments); });
    restore_command.add_option("FILE", arguments->file, "The backup.")->required();
    restore_command.add_flag("--force", arguments->force, "Also when there is a store; it is kept beside.");
    take_all(restore_command);
}

}  // namespace pharos::cli
