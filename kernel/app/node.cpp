#include "app/node.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <pharos/sdk/input_limits.hpp>
#include <pharos/sdk/registrations.hpp>

#include <pharos/spi/control.hpp>

#include "access/filter.hpp"
#include "app/addresses.hpp"
#include "app/admin_routes.hpp"
#include "app/data_dir.hpp"
#include "app/kernel_settings.hpp"
#include "cluster/member_table.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "net/io_threads.hpp"
#include "net/listener.hpp"
#include "net/plugin_net.hpp"
#include "net/resolver.hpp"
#include "observe/logging.hpp"
#include "observe/metrics_registry.hpp"
#include "observe/process_metrics.hpp"
#include "plugin/host.hpp"
#include "plugin/library.hpp"
#include "rpc/grpc_transport.hpp"
#include "rpc/h2_transport.hpp"
#include "rpc/server.hpp"
#include "runtime/executors.hpp"
#include "settings/raw.hpp"
#include "settings/tree.hpp"
#include "settings/value.hpp"

namespace pharos::app {

namespace fs = std::filesystem;

namespace {

constexpr int kRpcPortOffset = 1000;

std::vector<std::string> peek_list(const settings::Raw& raw, std::string_view section, std::string_view key) {
    spi::Result<settings::Value> value = settings::Tree::peek(raw, section, kernel_setting(section, key));
    return value ? std::move(value.value().list) : std::vector<std::string>{};
}

std::chrono::milliseconds peek_duration(const settings::Raw& raw, std::string_view section, std::string_view key) {
    const spi::SettingSpec& spec = kernel_setting(section, key);
    spi::Result<settings::Value> value = settings::Tree::peek(raw, section, spec);
    value = value ? value : settings::parse_value(spec, spec.default_value);  // the whole check will say what is wrong
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(value.value().number));
}

bool is_kernel_section(const std::string& name) {
    const auto sections = kernel_sections();
    return std::any_of(sections.begin(), sections.end(),
                       [&name](const settings::Section& section) { return section.name == name; });
}

std::vector<fs::path> plugin_directories(const settings::Raw& raw) {
    std::vector<fs::path> directories;
    for (const std::string& directory : peek_list(raw, "plugins", "dirs")) {
        directories.emplace_back(directory);
    }
    directories.push_back(plugin::own_directory());
    return directories;
}

std::size_t threads(const spi::Settings& settings, std::string_view key, std::size_t automatic) {
    const std::int64_t given = settings.integer(key);
    return given > 0 ? static_cast<std::size_t>(given) : automatic;
}

std::size_t as_size(std::int64_t number) { return static_cast<std::size_t>(number); }

std::chrono::seconds as_seconds(std::int64_t nanoseconds) {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::nanoseconds(nanoseconds));
}

}  // namespace

/// In the order in which they are made; what comes later uses what comes before.
struct Node::Parts {
    settings::Raw raw;
    std::vector<plugin::Module> modules;
    std::optional<settings::Tree> settings;
    std::optional<observe::Logging> logging;
    std::optional<DataDir> data;
    spi::NodeInfo info;
    observe::MetricsRegistry metrics;
    std::optional<observe::ProcessMetrics> process_metrics;
    access::Filter filter;
    std::optional<runtime::KernelExecutors> executors;
    std::optional<net::IoThreads> io;
    std::optional<cluster::MemberTable> members;
    std::optional<net::PluginNet> net;
    std::optional<http::Router> router;
    std::optional<http::Server> http;
    std::unique_ptr<rpc::Transport> transport;
    std::optional<rpc::Server> rpc;
    std::optional<plugin::Host> host;
    sdk::Registrations gauges;
    std::optional<AdminRoutes> admin;
    bool ready = false;  ///< from the end of the start to the begin of the stop
    spi::MemberLookup* lookup = nullptr;
    std::optional<net::Listener> http_listener;
    std::optional<net::Listener> rpc_listener;
    std::vector<std::string> addresses;
    std::string dns_servers;

    spi::Status read_settings(const ServerOptions& options);
    enum class Optional { kLoad, kIgnore };
    spi::Status load_plugins(Optional optional);
    spi::Status build_settings(const std::vector<fs::path>& directories);
    enum class Lock { kTake, kLeave };
    spi::Status prepare(Lock lock);
    void make_servers();
    void make_host();
    void show_left_out();
    spi::Status start_plugins();
    spi::Status open_ports();
    void stop() noexcept;

    spi::Log& log() { return logging->of("kernel"); }
    const spi::Settings& of(const std::string& section) { return settings->section(section); }
    net::ListenerSettings listener_settings(const std::string& section, int port_offset);
};

spi::Status Node::Parts::read_settings(const ServerOptions& options) {
    settings::read_environment(raw);
    if (!options.config_file.empty()) {
        if (spi::Status status = settings::read_toml(options.config_file, raw); !status) {
            return status;
        }
    }
    for (const ServerOptions::Override& given : options.overrides) {
        raw.values[given.key] = {given.value, given.flag};
    }
    return {};
}

spi::Status Node::Parts::load_plugins(Optional optional) {
    const std::vector<fs::path> directories = plugin_directories(raw);
    std::vector<std::string_view> lists{"base", "modules"};
    if (optional == Optional::kLoad) {
        lists.emplace_back("optional");
    }
    std::vector<plugin::Library> libraries;
    std::map<std::string, std::string_view> list_of;
    for (const std::string_view list : lists) {
        for (const std::string& name : peek_list(raw, "plugins", list)) {
            if (const auto [other, is_new] = list_of.emplace(name, list); !is_new) {
                return {spi::Code::kInvalidArgument, "plugin '" + name + "' is listed twice, in plugins." +
                                                         std::string(other->second) + " and plugins." +
                                                         std::string(list)};
            }
            const spi::Result<fs::path> file = plugin::find_library(name, directories);
            plugin::Library library =
                file ? plugin::inspect_library(file.value(), plugin::Owner::of_process()) : plugin::Library();
            library.name = name;
            library.status = file ? library.status : file.error();
            if (library.status && is_kernel_section(name)) {
                library.status = {spi::Code::kInvalidArgument, "plugin file " + library.file.string() +
                                                                   ": its name is that of the server's own settings '" +
                                                                   name + ".'"};
            }
            if (!library.status && list != "optional") {
                return library.status;
            }
            libraries.push_back(std::move(library));
        }
    }
    plugin::try_libraries(libraries, peek_duration(raw, "plugins", "step_deadline"), [&libraries] {
        for (const plugin::Library& library : libraries) {
            if (!library.foreign) {
                static_cast<void>(plugin::load_library(library));  // once more below, which costs nothing then
            }
        }
    });
    for (plugin::Library& library : libraries) {
        const bool is_optional = list_of[library.name] == "optional";
        const spi::Result<const spi::Descriptor*> descriptor = plugin::load_library(library);
        if (!descriptor && !is_optional) {
            return descriptor.error();
        }
        modules.push_back({.name = library.name,
                           .descriptor = descriptor ? descriptor.value() : nullptr,
                           .file = library.file.string(),
                           .foreign = library.foreign,
                           .optional = is_optional,
                           .refused = descriptor ? std::string() : descriptor.error().message(),
                           .version = std::move(library.text.version),
                           .provides = std::move(library.text.provides),
                           .requires_ = std::move(library.text.requires_)});
    }
    return build_settings(directories);
}

spi::Status Node::Parts::build_settings(const std::vector<fs::path>& directories) {
    const auto kernel = kernel_sections();
    std::vector<settings::Section> sections(kernel.begin(), kernel.end());
    // Sections of plugins that are there but off, or left out, may stay in the file.
    std::set<std::string> silent;
    for (std::string& name : plugin::list_libraries(directories)) {
        if (!is_kernel_section(name)) {
            silent.insert(std::move(name));
        }
    }
    for (const plugin::Module& module : modules) {
        if (module.descriptor != nullptr) {
            sections.push_back({module.name, {module.descriptor->settings, module.descriptor->settings_count}});
            silent.erase(module.name);
        } else {
            silent.insert(module.name);
        }
    }
    spi::Result<settings::Tree> built = settings::Tree::build(raw, sections, silent);
    if (!built) {
        return built.error();
    }
    settings.emplace(std::move(built.value()));
    return {};
}

spi::Status Node::Parts::prepare(Lock lock) {
    const spi::Settings& log_settings = of("log");
    logging.emplace(observe::LogSettings{.level = std::string(log_settings.string("level")),
                                         .file = std::string(log_settings.string("file")),
                                         .file_bytes = as_size(log_settings.integer("file_bytes")),
                                         .files = as_size(log_settings.integer("files"))});
    if (!logging->status()) {
        return logging->status();
    }
    if (const std::string_view wire = of("rpc").string("transport"); wire != "h2" && wire != "grpc") {
        return {spi::Code::kInvalidArgument, "rpc.transport: '" + std::string(wire) + "' is neither h2 nor grpc"};
    }
    spi::Result<std::string> dns = net::parse_dns_servers(of("net").list("dns_servers"));
    if (!dns) {
        return {spi::Code::kInvalidArgument, "net.dns_servers: " + dns.error().message()};
    }
    dns_servers = std::move(dns.value());
    const spi::Settings& server = of("server");
    for (const std::string& address : server.list("addresses")) {
        if (!is_numeric(address)) {
            return {spi::Code::kInvalidArgument, "server.addresses: '" + address + "' is not a numeric IP address"};
        }
        if (address == "::1" && settings->all().find("server.addresses")->second.origin == "default" &&
            !can_bind(address)) {
            log().warn("this machine has no IPv6, listening on IPv4 only");
            continue;
        }
        addresses.push_back(address);
    }
    if (addresses.empty()) {
        return {spi::Code::kInvalidArgument, "server.addresses is empty"};
    }
    const std::string given(server.string("data_dir"));
    const fs::path directory = given.empty() ? default_data_dir() : fs::path(given);
    if (lock == Lock::kTake) {
        spi::Result<DataDir> opened = DataDir::open(directory);
        if (!opened) {
            return opened.error();
        }
        data.emplace(std::move(opened.value()));
    }

    const bool local =
        std::all_of(addresses.begin(), addresses.end(), [](const std::string& a) { return is_loopback(a); });
    info.version = PHAROS_VERSION;
    info.data_dir = directory.string();
    info.port = static_cast<std::uint16_t>(server.integer("port"));
    info.context_path = server.string("context_path");
    info.advertised_ip = !server.string("advertise").empty() ? std::string(server.string("advertise"))
                         : local                             ? "127.0.0.1"
                                                             : own_address();
    for (const plugin::Module& module : modules) {
        if (module.descriptor != nullptr) {
            info.modules.push_back(module.name);
        }
    }
    return {};
}

void Node::Parts::make_servers() {
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    const spi::Settings& run = of("runtime");
    executors.emplace(threads(run, "work_threads", std::max<std::size_t>(2, cores)),
                      threads(run, "block_threads", std::max<std::size_t>(1, cores / 8)));
    io.emplace(threads(run, "io_threads", std::max<std::size_t>(1, cores / 4)));
    members.emplace(spi::MemberAddress{info.advertised_ip, info.port});
    net.emplace(*io, addresses, dns_servers);
    process_metrics.emplace(metrics);

    const spi::Settings& web = of("http");
    http::ServerSettings http_settings;
    http_settings.limits.header_bytes = as_size(web.integer("max_header"));
    http_settings.limits.headers = as_size(web.integer("max_headers"));
    http_settings.limits.body_bytes = as_size(web.integer("max_body"));
    const auto refused = [this](const char* limit) {
        return &metrics.counter("pharos_limit_refused_total", "Refused because of a limit, by its setting.",
                                {{"limit", limit}});
    };
    http_settings.limits.refused_header_bytes = refused("http.max_header");
    http_settings.limits.refused_headers = refused("http.max_headers");
    http_settings.limits.refused_body_bytes = refused("http.max_body");
    sdk::InputLimits& input = sdk::input_limits();
    input.parameters.set(as_size(web.integer("max_parameters")), refused("http.max_parameters"));
    input.json_depth.set(as_size(of("server").integer("max_json_depth")), refused("server.max_json_depth"));
    gauges.take(spi::Registration([&input] {  // the counters end with the node
        input.parameters.set(input.parameters.most(), nullptr);
        input.json_depth.set(input.json_depth.most(), nullptr);
    }));
    http_settings.idle_timeout = as_seconds(web.integer("idle_timeout"));
    http_settings.header_timeout = as_seconds(web.integer("header_timeout"));
    http_settings.body_timeout = as_seconds(web.integer("body_timeout"));
    http_settings.stall_timeout = as_seconds(web.integer("stall_timeout"));
    http_settings.max_unsent = as_size(web.integer("max_unsent"));
    http_settings.max_held = as_size(web.integer("max_held"));
    router.emplace(info.context_path);
    http.emplace(*io, *router, filter, metrics, http_settings);

    const spi::Settings& remote = of("rpc");
    if (remote.string("transport") == "h2") {
        rpc::H2Settings settings_of_h2;
        settings_of_h2.max_frame = as_size(remote.integer("max_frame"));
        settings_of_h2.max_queued_bytes = as_size(remote.integer("max_queued"));
        settings_of_h2.max_unsent_bytes = as_size(remote.integer("max_unsent"));
        settings_of_h2.max_header_bytes = as_size(remote.integer("max_header"));
        settings_of_h2.max_streams = static_cast<std::uint32_t>(remote.integer("max_streams"));
        settings_of_h2.max_resets = as_size(remote.integer("max_resets"));
        settings_of_h2.max_control_frames = as_size(remote.integer("max_control_frames"));
        settings_of_h2.stall_timeout = spi::Duration(remote.integer("stall_timeout"));
        transport = std::make_unique<rpc::H2Transport>(*io, settings_of_h2, &metrics);
    } else {
        rpc::GrpcSettings settings_of_grpc;
        settings_of_grpc.max_frame = as_size(remote.integer("max_frame"));
        settings_of_grpc.max_queued_bytes = as_size(remote.integer("max_queued"));
        transport = std::make_unique<rpc::GrpcTransport>(settings_of_grpc);
    }
    rpc::ServerSettings rpc_settings;
    rpc_settings.server_ip = info.advertised_ip;
    rpc_settings.idle_after = spi::Duration(remote.integer("idle_after"));
    rpc_settings.blocked_limit = spi::Duration(remote.integer("blocked_limit"));
    rpc.emplace(*executors, metrics, logging->of("rpc"), filter, *transport, rpc_settings);
}

void Node::Parts::make_host() {
    host.emplace(std::move(modules),
                 plugin::Surroundings{info, *executors, *router, *rpc, *rpc, *members, *net, metrics, *logging,
                                      [this](const std::string& name) -> spi::Log& { return logging->of(name); },
                                      [this](const std::string& name) -> const spi::Settings& { return of(name); }},
                 std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::nanoseconds(of("plugins").integer("step_deadline"))));
}

void Node::Parts::show_left_out() {
    for (const plugin::State state : {plugin::State::kRefused, plugin::State::kFailed, plugin::State::kHung}) {
        const std::vector<plugin::PluginRow> rows = host->table();
        const auto count = std::count_if(rows.begin(), rows.end(),
                                         [state](const plugin::PluginRow& row) { return row.state == state; });
        gauges.take(metrics.gauge("pharos_plugins_left_out", "Optional plugins that the node runs without.",
                                  {{"state", std::string(plugin::to_string(state))}},
                                  [count] { return static_cast<double>(count); }));
    }
}

spi::Status Node::Parts::start_plugins() {
    make_host();
    admin.emplace(AdminRoutes::Parts{*router, metrics, *host, *io, *rpc});
    if (spi::Status status = admin->add(); !status) {
        return status;
    }
    if (spi::Status status = host->start(); !status) {
        return status;
    }
    show_left_out();
    for (const plugin::PluginRow& row : host->table()) {
        if (row.is_left_out()) {
            continue;  // said so when it happened
        }
        log().info("plugin started", spi::kv("name", row.name), spi::kv("version", row.version),
                   spi::kv("micros", row.start_time.count()));
    }
    const std::string type(of("cluster").string("lookup"));
    lookup = static_cast<spi::MemberLookup*>(host->services().find(spi::MemberLookup::kInterface, {{"type", type}}));
    if (lookup == nullptr) {
        return {spi::Code::kInvalidArgument, "cluster.lookup: no enabled plugin offers the lookup '" + type + "'"};
    }
    return lookup->start([this](std::vector<spi::MemberAddress> found) { members->replace(found); });
}

net::ListenerSettings Node::Parts::listener_settings(const std::string& section, int port_offset) {
    net::ListenerSettings listener;
    for (const std::string& address : addresses) {
        listener.addresses.push_back({address, static_cast<std::uint16_t>(info.port + port_offset)});
    }
    listener.name = section;
    listener.max_connections = as_size(of(section).integer("max_connections"));
    listener.max_per_remote_ip = as_size(of(section).integer("max_connections_per_ip"));
    return listener;
}

spi::Status Node::Parts::open_ports() {
    const auto* auth = static_cast<spi::AuthProvider*>(host->services().find(spi::AuthProvider::kInterface, {}));
    filter.use(auth);
    auto* const control = static_cast<spi::LoadControl*>(host->services().find(spi::LoadControl::kInterface, {}));
    router->use(control);
    rpc->use(control, [this] { return http->long_polls(); });
    const bool open = of("security").boolean("open");
    if (spi::Status status = check_exposure(addresses, auth != nullptr, open); !status) {
        return status;
    }
    if (open && auth == nullptr) {
        log().warn("OPEN: nobody has to log in (security.open)");
    }
    io->start();
    rpc->start();
    rpc->set_ready(true);
    const auto to_rpc = [this](net::AcceptedSocket socket) {
        const rpc::Peer peer{socket.remote_ip, socket.remote_port, socket.local_port, std::move(socket.ticket)};
        transport->adopt(socket.fd.release(), peer);
    };
    net::ListenerSettings http_settings = listener_settings("http", 0);
    http_settings.sniff = true;
    http_listener.emplace(*io, std::move(http_settings), metrics, [this, to_rpc](net::AcceptedSocket socket) {
        switch (socket.kind) {
            case net::Sniff::kHttp2: to_rpc(std::move(socket)); break;
            case net::Sniff::kTls: break;  // spoken on no port: closed at once
            default: http->adopt(std::move(socket)); break;
        }
    });
    rpc_listener.emplace(*io, listener_settings("rpc", kRpcPortOffset), metrics, to_rpc);
    if (spi::Status status = http_listener->start(); !status) {
        return status;
    }
    return rpc_listener->start();
}

void Node::Parts::stop() noexcept {
    const spi::Duration grace = settings ? spi::Duration(of("server").integer("stop_grace")) : spi::Duration(0);
    if (http_listener) {
        http_listener->stop();
    }
    if (rpc_listener) {
        rpc_listener->stop();
    }
    if (lookup != nullptr) {
        lookup->stop();
        lookup = nullptr;
    }
    if (http) {
        http->stop(grace);
    }
    if (rpc && !rpc->stop(grace)) {
        log().warn("calls were still unanswered at the stop");
    }
    if (admin) {
        admin->remove();
    }
    gauges.clear();
    if (host) {
        host->stop();
        if (host->has_hung()) {
            // A plugin's thread never ends, and may use anything of ours, so the rest stays as it is.
            if (logging) {
                logging->flush();
            }
            return;
        }
    }
    filter.use(nullptr);
    if (net) {
        net->stop();
    }
    if (io) {
        io->stop();
    }
    if (net) {
        net->stop();  // and of what came in between
    }
    if (executors) {
        executors->stop();
    }
    if (logging) {
        logging->flush();
    }
}

Node::Node() : parts_(std::make_unique<Parts>()) {}

Node::~Node() {
    if (has_hung()) {
        static_cast<void>(parts_.release());
    } else {
        stop();
    }
}

std::string Node::hung() const { return parts_->host ? parts_->host->hung() : std::string(); }

bool Node::has_hung() const noexcept { return parts_->host && parts_->host->has_hung(); }

spi::Status Node::start(const ServerOptions& options, std::chrono::steady_clock::time_point began) {
    Parts& parts = *parts_;
    spi::Status status = parts.read_settings(options);
    status = status ? parts.load_plugins(Parts::Optional::kLoad) : status;
    status = status ? parts.prepare(Parts::Lock::kTake) : status;
    if (status) {
        parts.make_servers();
        status = parts.start_plugins();
    }
    status = status ? parts.open_ports() : status;
    if (!status) {
        parts.stop();
        return status;
    }
    std::string where;
    for (const std::string& address : parts.addresses) {
        where += (where.empty() ? "" : ",") + address;
    }
    for (const runtime::KernelExecutors::Role& role : parts.executors->roles()) {
        parts.log().info("threads", spi::kv("role", role.name), spi::kv("count", role.threads));
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    parts.log().info("ready", spi::kv("version", PHAROS_VERSION), spi::kv("addresses", where),
                     spi::kv("http", parts.info.port), spi::kv("grpc", parts.info.port + kRpcPortOffset),
                     spi::kv("data", parts.info.data_dir), spi::kv("ms", took.count()));
    parts.ready = true;
    return {};
}

spi::Status Node::load(const ServerOptions& options) {
    Parts& parts = *parts_;
    spi::Status status = parts.read_settings(options);
    status = status ? parts.load_plugins(Parts::Optional::kIgnore) : status;
    status = status ? parts.prepare(Parts::Lock::kLeave) : status;
    if (!status) {
        return status;
    }
    parts.make_servers();
    parts.make_host();
    return parts.host->init();
}

void* Node::find(std::string_view interface) { return parts_->host->services().find(interface, {}); }

const std::string& Node::data_dir() const noexcept { return parts_->info.data_dir; }

void Node::stop() noexcept {
    Parts& parts = *parts_;
    if (!std::exchange(parts.ready, false)) {
        parts.stop();
        return;
    }
    const auto began = std::chrono::steady_clock::now();
    parts.log().info("stopping");
    parts.stop();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    if (!has_hung()) {
        parts.log().info("stopped", spi::kv("ms", took.count()));
        parts.logging->flush();
    }
}

}  // namespace pharos::app
