#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <boost/json/value.hpp>
#include <pharos/spi/status.hpp>

#include "cli/server.hpp"

namespace pharos::cli {

struct ServiceKey {
    std::string name;
    std::string group;
    std::string namespace_id;  ///< "" is the public one

    /// "service 'orders' in group DEFAULT_GROUP, namespace public".
    [[nodiscard]] std::string text() const;
};

struct ServiceRow {
    std::string name;
    std::string group;
    /// -1 where the server does not say.
    std::int64_t clusters = -1;
    std::int64_t instances = -1;
    std::int64_t healthy = -1;
};

using Metadata = std::map<std::string, std::string>;
/// "a=1 b=2".
[[nodiscard]] std::string to_text(const Metadata& metadata);

struct Service {
    ServiceKey key;
    bool knows_lifetime = false;  ///< whether `ephemeral` is known
    bool ephemeral = false;
    double protect_threshold = 0;
    std::string selector;
    Metadata metadata;
    std::vector<std::string> clusters;
};

struct Instance {
    std::string ip;
    std::int64_t port = 0;
    std::string cluster;
    double weight = 1;
    bool healthy = true;
    bool enabled = true;
    bool ephemeral = true;
    Metadata metadata;

    /// "10.0.0.1:80" or "[::1]:80".
    [[nodiscard]] std::string address() const;
    bool operator==(const Instance&) const = default;
};

struct NewInstance {
    std::string ip;
    std::string port;
    std::string cluster;
    std::string weight;
    std::string metadata;  ///< JSON
    bool ephemeral = true;
    bool enabled = true;
};

/// The calls of `protocol/naming.md §2`. Errors name the service, the server and what it said.
class NamingApi {
public:
    explicit NamingApi(Server& server) : server_(server) {}

    /// Those whose name and group match; "" matches all. A server that lists one group at a time is asked for
    /// DEFAULT_GROUP when the group is "" or a pattern.
    spi::Result<std::vector<ServiceRow>> services(const std::string& namespace_id, const std::string& name_pattern,
                                                  const std::string& group_pattern);
    spi::Result<std::size_t> count_services(const std::string& namespace_id);
    spi::Result<Service> service(const ServiceKey& key);
    /// All instances of all clusters, also disabled ones where the server tells them.
    spi::Result<std::vector<Instance>> instances(const ServiceKey& key);

    /// As clients see it now: what can be called, and the time stamp of the list (0: none).
    struct View {
        std::vector<Instance> instances;
        std::int64_t stamp = 0;
    };
    spi::Result<View> view(const ServiceKey& key);

    spi::Status register_instance(const ServiceKey& key, const NewInstance& instance);
    spi::Status deregister_instance(const ServiceKey& key, const NewInstance& instance);
    /// Says that an instance lives. kNotFound: the server does not know it (any more), register it again.
    spi::Result<std::chrono::milliseconds> beat(const ServiceKey& key, const NewInstance& instance);

private:
    [[nodiscard]] spi::Status about(const ServiceKey& key, const spi::Status& status) const;
    spi::Status done(const ServiceKey& key, const spi::Result<Server::Answer>& answer) const;

    Server& server_;
};

}  // namespace pharos::cli
