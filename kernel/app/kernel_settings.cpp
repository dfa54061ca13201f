#include "app/kernel_settings.hpp"

#include <cstdlib>

namespace pharos::app {

namespace {

using spi::SettingSpec;
using Type = spi::SettingType;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kKiB = 1 << 10;
constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kGiB = 1 << 30;

constexpr SettingSpec kServer[] = {
    {"port", Type::kInteger, "8848", 1, 64535, "HTTP port; gRPC listens on this port + 1000."},
    {"addresses", Type::kStringList, "127.0.0.1,::1", 0, 0, "Numeric addresses to listen on."},
    {"advertise", Type::kString, "", 0, 0, "IP under which others know this node; empty: found out."},
    {"context_path", Type::kString, "/nacos", 0, 0, "Path before /v1, /v2 and /v3."},
    {"data_dir", Type::kString, "", 0, 0, "Directory for what is kept; empty: ~/.local/share/pharos."},
    {"max_json_depth", Type::kInteger, "32", 8, 256, "Depth of JSON that clients send."},
    {"stop_grace", Type::kDuration, "2s", 0, 600 * kSecond, "How long a stop waits for requests under way."},
};
constexpr SettingSpec kSecurity[] = {
    {"open", Type::kBool, "false", 0, 0, "Allows to listen beyond this machine while nobody has to log in."},
};
constexpr SettingSpec kPlugins[] = {
    {"modules", Type::kStringList, "naming,config", 0, 0, "Plugins to run besides the base."},
    {"base", Type::kStringList, "storage-lmdb,lookup,health,control,core", 0, 0, "Plugins that every node runs."},
    {"optional", Type::kStringList, "", 0, 0,
     "Plugins to run if they can be; the node starts without those that fail."},
    {"dirs", Type::kStringList, "", 0, 0, "More directories to find plugins in, before the server's own."},
    {"step_deadline", Type::kDuration, "60s", kSecond / 10, kDay,
     "How long init, start or stop of one plugin may take."},
};
constexpr SettingSpec kCluster[] = {
    {"lookup", Type::kString, "standalone", 0, 0, "Type of the member lookup."},
};
constexpr SettingSpec kRuntime[] = {
    {"io_threads", Type::kInteger, "0", 0, 256,
     "Threads for HTTP and gRPC connections; 0: a quarter of the cores, at least 1."},
    {"work_threads", Type::kInteger, "0", 0, 1024, "Threads for computing; 0: the cores, at least 2."},
    {"block_threads", Type::kInteger, "0", 0, 1024,
     "Threads for blocking calls; 0: an eighth of the cores, at least 1."},
};
constexpr SettingSpec kLog[] = {
    {"level", Type::kString, "info", 0, 0, "debug, info, warn or error."},
    {"file", Type::kString, "", 0, 0, "Log file; empty: standard output."},
    {"file_bytes", Type::kBytes, "16MiB", 64 * kKiB, kGiB, "Size at which the log file is rotated."},
    {"files", Type::kInteger, "4", 1, 100, "Rotated log files that are kept."},
};
constexpr SettingSpec kHttp[] = {
    {"max_header", Type::kBytes, "64KiB", kKiB, kMiB, "Largest request header."},
    {"max_body", Type::kBytes, "16MiB", kKiB, kGiB, "Largest request body."},
    {"max_headers", Type::kInteger, "200", 10, 10'000, "Header fields of one request."},
    {"max_parameters", Type::kInteger, "1024", 64, 1'000'000, "Parameters of one request."},
    {"max_connections", Type::kInteger, "200000", 1, 10'000'000, "Connections at once."},
    {"max_connections_per_ip", Type::kInteger, "20000", 1, 10'000'000, "Connections at once from one address."},
    {"max_unsent", Type::kBytes, "256MiB", kKiB, 64 * kGiB, "Replies that may wait for clients to read, in all."},
    {"max_held", Type::kInteger, "100000", 1, 10'000'000, "Long polls held at once."},
    {"idle_timeout", Type::kDuration, "75s", kSecond, kDay, "How long a connection may be idle between requests."},
    {"header_timeout", Type::kDuration, "20s", kSecond, kDay, "How long a request header may take to arrive."},
    {"body_timeout", Type::kDuration, "60s", kSecond, kDay, "How long a request body may take to arrive."},
    {"stall_timeout", Type::kDuration, "60s", kSecond, kDay, "How long a client may read nothing of its reply."},
};
constexpr SettingSpec kRpc[] = {
    {"transport", Type::kString, "h2", 0, 0, "Who speaks HTTP/2 for gRPC: h2 (our own) or grpc (the gRPC library)."},
    {"max_frame", Type::kBytes, "10MiB", kKiB, kGiB, "Largest request."},
    {"max_header", Type::kBytes, "64KiB", kKiB, kMiB, "Largest header of one call."},
    {"max_streams", Type::kInteger, "1024", 1, 1'000'000, "Calls under way on one connection."},
    {"max_unsent", Type::kBytes, "256MiB", kKiB, 64 * kGiB, "Answers that may wait for one client to read."},
    {"max_resets", Type::kInteger, "1000", 10, 10'000'000,
     "Calls of one connection that are given up or refused, in 5 s."},
    {"max_control_frames", Type::kInteger, "20000", 100, 10'000'000,
     "Frames of one connection that bring nothing, in 5 s."},
    {"max_connections", Type::kInteger, "200000", 1, 10'000'000, "Connections at once."},
    {"max_connections_per_ip", Type::kInteger, "20000", 1, 10'000'000, "Connections at once from one address."},
    {"max_queued", Type::kBytes, "4MiB", kKiB, kGiB, "Pushes that may wait for one connection."},
    {"idle_after", Type::kDuration, "20s", kSecond, kDay, "Silence after which a client is asked for a sign of life."},
    {"stall_timeout", Type::kDuration, "60s", kSecond, kDay, "How long a client may read nothing of its answers."},
    {"blocked_limit", Type::kDuration, "300s", kSecond, kDay,
     "How long a client may read so little that pushes to it are refused."},
};

constexpr SettingSpec kNet[] = {
    {"dns_servers", Type::kStringList, "", 0, 0,
     "DNS servers (10.0.0.2, 10.0.0.2:5353, [fd00::2]:5353) for what the node resolves; empty: the system's."},
};

constexpr std::size_t kSectionCount = 9;
const settings::Section (&sections())[kSectionCount] {
    static const settings::Section all[kSectionCount] = {
        {"server", kServer},   {"security", kSecurity}, {"plugins", kPlugins},
        {"cluster", kCluster}, {"runtime", kRuntime},   {"log", kLog},
        {"http", kHttp},       {"rpc", kRpc},           {"net", kNet}};
    return all;
}

}  // namespace

std::span<const settings::Section> kernel_sections() { return sections(); }

const spi::SettingSpec& kernel_setting(std::string_view section, std::string_view key) {
    for (const settings::Section& candidate : sections()) {
        for (const SettingSpec& spec : candidate.specs) {
            if (candidate.name == section && key == spec.key) {
                return spec;
            }
        }
    }
    std::abort();
}

}  // namespace pharos::app
