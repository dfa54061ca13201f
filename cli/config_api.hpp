#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <pharos/spi/status.hpp>

#include "cli/server.hpp"

namespace pharos::cli {

struct ConfigKey {
    std::string data_id;
    std::string group;
    std::string namespace_id;  ///< "" is the public one

    /// "config 'app.yaml' in group DEFAULT_GROUP, namespace public".
    [[nodiscard]] std::string text() const;
};

struct Config {
    std::string content;
    std::string md5;
    std::string type;
    std::int64_t modified_ms = 0;  ///< 0: the server does not say
};

struct ConfigRow {
    std::string data_id;
    std::string group;
    std::string type;
    std::string md5;
    std::int64_t modified_ms = 0;
};

struct NewConfig {
    std::string content;
    std::string type;
    std::string cas_md5;
    std::optional<std::string> description;
    std::optional<std::string> tags;
    std::optional<std::string> app;
};

/// One kept version. `content` is what was there before an update or removal, and what came with an insert.
struct HistoryEntry {
    std::string id;
    std::string operation;  ///< insert, update, delete, or what the server calls it
    std::int64_t time_ms = 0;
    std::string user;
    std::string ip;
    std::string md5;
    std::string publish_type;
    std::string content;
};

/// The calls of `protocol/config.md §2`. Errors name the config, the server and what it said.
class ConfigApi {
public:
    explicit ConfigApi(Server& server) : server_(server) {}

    spi::Result<Config> get(const ConfigKey& key);
    spi::Status publish(const ConfigKey& key, const NewConfig& config);
    spi::Status remove(const ConfigKey& key);
    /// Those whose dataId and group match; "" matches all. In the server's order.
    spi::Result<std::vector<ConfigRow>> list(const std::string& namespace_id, const std::string& data_id_pattern,
                                             const std::string& group_pattern);
    spi::Result<std::size_t> count(const std::string& namespace_id);
    /// The newest `limit` versions, newest first, without contents; md5s as far as the server has them.
    spi::Result<std::vector<HistoryEntry>> history(const ConfigKey& key, std::size_t limit);
    spi::Result<HistoryEntry> history_entry(const ConfigKey& key, const std::string& id);

    struct Watched {
        ConfigKey key;
        std::string md5;  ///< what the caller has; "" is nothing
    };
    /// Waits until one of these differs from what the caller has, at most `longest`; the indices of those that differ,
    /// none when the time is over.
    spi::Result<std::vector<std::size_t>> wait(const std::vector<Watched>& watched, std::chrono::milliseconds longest);

private:
    [[nodiscard]] spi::Status about(const std::string& what, const spi::Status& status) const;

    Server& server_;
};

}  // namespace pharos::cli
